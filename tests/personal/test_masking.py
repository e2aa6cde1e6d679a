"""Values of columns declared personal or sensitive are in nothing that leaves the service, whatever is driven."""

from __future__ import annotations

import logging
from io import BytesIO

import pytest

from app.gate.render import FORMS, render
from checks import discover
from tests.alerts.receiver import Receiver
from tests.catalog.releases import register, upload
from tests.gateway.conftest import deploy
from tests.personal import marked
from tests.personal.marked import MARKS, MODEL

VERSION = f"/models/{MODEL}/versions/1.0.0"
WHERE = {"model": MODEL, "version": "1.0.0", "environment": "production"}


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"], "prediction_seconds": 60})


@pytest.fixture
def receiver():
    receiver = Receiver()
    receiver.verify = False
    yield receiver
    receiver.close()


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
        for number in range(len(one["exhibits"])):
            ask("GET", f"/findings/{one['id']}/exhibits/{number}", **page)
    for path in ("/", f"/models/{MODEL}", f"/models/{MODEL}/serving", VERSION, f"/audits/{audit_id}", "/alerts"):
        ask("GET", path, **page)
    for path in ("/audit-log", "/alerts", f"{VERSION}/scorecard", "/fleet", f"/audits/{audit_id}", "/issues"):
        ask("GET", f"/api/v1{path}", http=viewer)
    ask("GET", "/api/v1/traffic", params={"model": MODEL, "environment": "production"})
    ask("GET", "/metrics", http=viewer)
    decision = ask("POST", "/api/v1/gate/evaluations", json=WHERE | {"dry_run": True}).json()
    for form in FORMS:
        driven.heard[form] = render(decision, form)


def drive(driven, database, work, receiver, *, masked: bool) -> None:
    driven.register(masked=masked)
    subscription = {"name": "ops", "channel": "webhook", "target": receiver.url}
    assert driven.ask("POST", "/api/v1/subscriptions", json=subscription, http=driven.admin).is_success
    driven.hand_in()
    assert driven.push(parquet(marked.logged()), "log.parquet").status_code == 200
    refused_logs(driven)
    told = [{"id": f"{marked.APPLICATION}-s{row}", "label": row % 2} for row in range(marked.LOGGED)]
    assert driven.ask("POST", "/api/v1/labels", json={"model": MODEL, "labels": told}).is_success
    audit = driven.ask("POST", "/api/v1/audits", json=WHERE | {"checks": list(discover())}).json()
    work()
    refused_predictions(driven, database)
    read_everything(driven, audit["id"])
    driven.heard["alerts"] = b"".join(receiver.bodies).decode()


def marks_in(text: str) -> set[str]:
    return {mark for mark in MARKS if mark in text}


@pytest.fixture
def said(client, tmp_path, database, work, receiver, caplog, capfd):
    """``said(masked=True)``: everything that left the service, by where."""

    def make(*, masked: bool) -> dict[str, str]:
        caplog.set_level(logging.WARNING, "httpx2")  # the client's own line of what it asked
        driven = Driven(client, tmp_path)
        with caplog.at_level(logging.DEBUG):
            drive(driven, database, work, receiver, masked=masked)
        return driven.heard | {"log": caplog.text, "output": "".join(capfd.readouterr())}

    return make


@pytest.mark.slow
def test_no_value_of_a_declared_column_leaves_the_service(said):
    heard = said(masked=True)
    assert heard["alerts"]
    told = {where: marks_in(text) for where, text in heard.items() if marks_in(text)}
    assert told == {}
    assert any("creed-a" in text for text in heard.values())  # inclusion names groups that many people share


@pytest.mark.slow
def test_the_same_undeclared_is_found_by_the_same_search(said):
    """The positive control: where nothing is declared, values are shown, so the search can find them."""
    heard = said(masked=False)
    found = set().union(*map(marks_in, heard.values()))
    assert found == set(MARKS) - {"vexbolt"}  # the customer is no feature: not kept, so never shown
