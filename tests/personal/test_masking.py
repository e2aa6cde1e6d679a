"""Values of columns declared personal or sensitive are in nothing that leaves the service, whatever is driven."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
from email import message_from_bytes, policy
from io import BytesIO

import numpy as np
import pytest

from app.alerts.deliverer import deliver_due
from app.alerts.outbox import raise_alert
from app.config import Settings
from app.gate.render import FORMS, render
from checks import discover
from tests.alerts.mailbox import mail_server
from tests.alerts.receiver import Receiver
from tests.catalog.releases import register, upload
from tests.gateway.conftest import deploy
from tests.personal import marked
from tests.personal.marked import MARKS, MODEL

VERSION = f"/models/{MODEL}/versions/1.0.0"
WHERE = {"model": MODEL, "version": "1.0.0", "environment": "production"}


CHANNELS = ("webhook", "slack", "email")
ENGINES = Settings().engines_folder
REPORTS = ("Evidently's drift report", "Evidently's quality report", "deepchecks' full suite")


@pytest.fixture
def mailbox():
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def settings(settings, mailbox):
    if not (ENGINES / "deepchecks").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs the environment of deepchecks: make setup-dev")
        pytest.skip("deepchecks' environment is not installed: assay engines install")
    given = {"outgoing_allowed_hosts": ["127.0.0.1"], "prediction_seconds": 60}
    return settings.model_copy(update=given | {"smtp_url": mailbox.url, "engines_dir": ENGINES})


@pytest.fixture
def receivers():
    """By channel; e-mail goes to ``mailbox``."""
    opened = {channel: Receiver() for channel in ("webhook", "slack")}
    for one in opened.values():
        one.verify = False
    yield opened
    for one in opened.values():
        one.close()


class Driven:
    """The service with the marked model, and everything that it said: ``heard`` by where."""

    def __init__(self, client, tmp_path) -> None:
        self.http, self.admin, self.folder = client("ci"), client("admin"), tmp_path
        self.heard: dict[str, str] = {}

    def ask(self, method, path, *, http=None, **request):
        answer = (http or self.http).request(method, path, **request)
        self.heard[f"{method} {path} {len(self.heard)}"] = answer.text
        return answer

    def register(self, *, masked) -> None:
        files = {role: self.folder / f"{role}.parquet" for role in ("train", "test")}
        for part, path in enumerate(files.values()):
            marked.frame_of(part).to_parquet(path)
        marked.save_model(self.folder / "model.skops")
        files["artifact"] = self.folder / "model.skops"
        answer = register(self.http, marked.declared(masked=masked), files)
        assert answer.status_code == 201, answer.text

    def hand_in(self) -> None:
        path = self.folder / "recomputed.parquet"
        marked.recomputed().rename(columns={"application": "id"}).to_parquet(path)
        given = {"kind": "recomputed-features", "commit": "3f2a91c", **upload(self.http, path)}
        answer = self.ask("POST", f"/api/v1{VERSION}/evidence", json=given)
        assert answer.status_code == 201, answer.text

    def push(self, content: bytes, filename: str):
        return self.ask("POST", "/api/v1/predictions", params=WHERE | {"filename": filename}, content=content)


def parquet(frame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def refused_logs(driven) -> None:
    """Every way in which a cell is wrong."""
    frame = marked.logged(6)
    wrong = [
        (parquet(frame.assign(application=frame["application"].iloc[0])), "twice.parquet"),
        (parquet(frame.assign(application=frame["application"] * 20)), "long.parquet"),
        (parquet(frame.assign(at=frame["customer"])), "time.parquet"),
        (frame.to_csv(index=False).encode() + f"{marked.CUSTOMER},1\n".encode(), "uneven.csv"),
        (frame.to_json(orient="records", lines=True).encode() + f'{{"{marked.NOTE}\n'.encode(), "half.jsonl"),
    ]
    for content, filename in wrong:
        assert driven.push(content, filename).status_code == 422, filename
    labels = [{"id": f"{marked.APPLICATION}-s{row}", "label": marked.NOTE} for row in range(3)]
    assert driven.ask("POST", "/api/v1/labels", json={"model": MODEL, "labels": labels}).status_code == 422


def refused_predictions(driven, database) -> None:
    deploy(database, MODEL, "1.0.0")
    values = {"mean radius": 11.0, "mean texture": 15.0, "salary": marked.SALARY, "faith": marked.FAITH}
    values |= {"employer": f"{marked.EMPLOYER} of nowhere", "note": marked.NOTE}

    def infer(**changes):
        kinds = {name: "BYTES" if isinstance(value, str) else "FP64" for name, value in (values | changes).items()}
        inputs = [
            {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]}
            for name, value in (values | changes).items()
        ]
        body = {"id": f"{marked.APPLICATION}-refused", "inputs": inputs}
        return driven.ask("POST", f"/v2/models/{MODEL}/infer", json=body)

    unencoded = infer()
    assert unencoded.status_code == 422, unencoded.text
    assert "The model does not take these inputs" in unencoded.text
    assert infer(salary=marked.NOTE).status_code == 422
    driven.http.get(
        f"/api/v1/labels/{MODEL}/{marked.APPLICATION}-unknown"
    )  # its answer has the id; its log line has not


def read_everything(driven, audit_id: int) -> None:
    ask, viewer = driven.ask, driven.admin
    found = ask("GET", f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
    assert {one["check_id"] for one in found} == set(discover())
    page = {"headers": {"accept": "text/html"}, "http": viewer}
    for one in found:
        ask("GET", f"/findings/{one['id']}", **page)
        for number, exhibit in enumerate(one["exhibits"]):
            shown = ask("GET", f"/findings/{one['id']}/exhibits/{number}", **page)
            driven.heard[f"{exhibit['name']} of {one['check_id']}"] = decoded(shown.text)
    for path in ("/", f"/models/{MODEL}", f"/models/{MODEL}/serving", VERSION, f"/audits/{audit_id}", "/alerts"):
        ask("GET", path, **page)
    for path in ("/audit-log", "/alerts", f"{VERSION}/scorecard", "/fleet", f"/audits/{audit_id}", "/issues"):
        ask("GET", f"/api/v1{path}", http=viewer)
    ask("GET", "/api/v1/traffic", params={"model": MODEL, "environment": "production"})
    ask("GET", "/metrics", http=viewer)
    decision = ask("POST", "/api/v1/gate/evaluations", json=WHERE | {"dry_run": True}).json()
    for form in FORMS:
        driven.heard[form] = render(decision, form)


def decoded(report: str) -> str:
    """With the numbers that Plotly keeps in base64."""
    arrays = re.findall(r'"dtype":\s*"(\w+)",\s*"bdata":\s*("[^"]+")', report)
    assert len(arrays) == len(re.findall(r'"bdata":\s*"', report))
    numbers = [np.frombuffer(base64.b64decode(json.loads(data)), kind) for kind, data in arrays]
    return "\n".join([report, *(repr(one.tolist()) for one in numbers)])


def subscribe(driven, receivers) -> None:
    targets = {channel: one.url for channel, one in receivers.items()} | {"email": "risk@example.com"}
    for channel, target in targets.items():
        subscription = {"name": channel, "channel": channel, "target": target}
        assert driven.ask("POST", "/api/v1/subscriptions", json=subscription, http=driven.admin).is_success


def drive(driven, database, work, receivers, *, masked: bool) -> None:
    driven.register(masked=masked)
    subscribe(driven, receivers)
    driven.hand_in()
    assert driven.push(parquet(marked.logged()), "log.parquet").status_code == 200
    refused_logs(driven)
    told = [{"id": f"{marked.APPLICATION}-s{row}", "label": row % 2} for row in range(marked.LOGGED)]
    assert driven.ask("POST", "/api/v1/labels", json={"model": MODEL, "labels": told}).is_success
    audit = driven.ask("POST", "/api/v1/audits", json=WHERE | {"checks": list(discover())}).json()
    work()
    refused_predictions(driven, database)
    read_everything(driven, audit["id"])


def reports(heard) -> dict[str, str]:
    """What the libraries' reports hold, by library and kind."""
    return {kind: "".join(text for where, text in heard.items() if where.startswith(kind)) for kind in REPORTS}


def marks_in(text: str) -> set[str]:
    return {mark for mark in MARKS if mark in text}


@pytest.fixture
def said(client, tmp_path, database, settings, work, receivers, mailbox, caplog, capfd):
    """``said(masked=True)``: everything that left the service, by where; after an alert that says ``aloud``."""

    def make(*, masked: bool, aloud: str = "") -> dict[str, str]:
        caplog.set_level(logging.WARNING, "httpx2")  # the client's own line of what it asked
        driven = Driven(client, tmp_path)
        with caplog.at_level(logging.DEBUG):
            drive(driven, database, work, receivers, masked=masked)
        if aloud:
            with database.write() as session:
                raise_alert(session, event="audit.failed", severity="warning", title="So", body={"lines": [aloud]})
            deliver_due(database, settings)
        driven.heard |= {channel: b"".join(one.bodies).decode() for channel, one in receivers.items()}
        mails = [message_from_bytes(one.content, policy=policy.default) for one in mailbox.got]
        driven.heard["email"] = "".join(f"{one['Subject']}\n{one.get_content()}" for one in mails)
        return driven.heard | {"log": caplog.text, "output": "".join(capfd.readouterr())}

    return make


@pytest.mark.slow
def test_no_value_of_a_declared_column_leaves_the_service(said):
    heard = said(masked=True)
    assert all(MODEL in heard[channel] for channel in CHANNELS)
    assert all(reports(heard).values())
    told = {where: marks_in(text) for where, text in heard.items() if marks_in(text)}
    assert told == {}
    assert any("creed-a" in text for text in heard.values())  # inclusion names groups that many people share


@pytest.mark.slow
def test_the_same_undeclared_is_found_by_the_same_search(said):
    """The positive control: where nothing is declared, values are shown, so the search can find them."""
    aloud = " and ".join(MARKS)  # no alert has values of its own
    heard = said(masked=False, aloud=aloud)
    assert [marks_in(heard.pop(channel)) for channel in CHANNELS] == [set(MARKS)] * 3
    found = set().union(*map(marks_in, heard.values()))
    assert found == set(MARKS) - {"vexbolt"}  # the customer is no feature: not kept, so never shown
    shown = {kind: marks_in(text) for kind, text in reports(heard).items()}
    of_features = {"Zyxwquark", "7417493", "wolxim"}
    assert shown == dict(
        zip(REPORTS, (of_features, set(), of_features), strict=True)
    )  # quality is of answers alone
