"""A real MLflow server: imported from, heard by its own webhooks, and told what the gate decided."""

import base64
import json
import time
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from sqlmodel import select

from app.connections.importing.mlflow import Source
from app.db import utcnow
from app.errors import Invalid
from app.evidence.collecting import mlflow as collector
from app.ledger import facts
from app.tables import Model
from tests.connections.conftest import PIPELINE
from tests.evidence.collecting.conftest import assay, pipeline, server, tool
from tests.evidence.collecting.mlflow_server import mlflow_server
from tests.gate import planted

__all__ = ["assay", "pipeline", "server"]

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("mlflow_registry.py")
API = "api/2.0/mlflow"
NAMES = {"credit": "credit-default"}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """The server's ``url`` and the ``ids`` of what was logged. It may call http on this machine."""
    folder = tmp_path_factory.mktemp("mlflow")
    environment = {
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"k" * 32).decode(),
        "MLFLOW_WEBHOOK_CACHE_TTL": "0",
    }
    with mlflow_server(folder, **environment) as url:
        ids = json.loads(tool("python", SCRIPT, url, cwd=folder).splitlines()[-1])
        yield SimpleNamespace(url=url, ids=SimpleNamespace(**ids))


@pytest.fixture
def told(mlflow):
    """``told(...)``: the events of an import, by kind."""

    def read(**options):
        with collector.connect(mlflow.url) as reader:
            events = Source(reader, **options).events()
        return (
            {one.run: one for one in events if one.kind == "pipeline_run"},
            {one.number: one for one in events if one.kind == "registered_version"},
        )

    return read


def test_versions_come_with_the_runs_that_made_them(mlflow, told):
    runs, versions = told(models=NAMES)
    assert {number: (one.run, one.version, one.aliases) for number, one in versions.items()} == {
        "1": (mlflow.ids.first, "1.0.0", []),
        "2": (mlflow.ids.second, None, ["champion"]),
    }
    assert {(one.registry, one.name, one.model) for one in versions.values()} == {
        ("mlflow", "credit", "credit-default")
    }
    assert runs.keys() == {mlflow.ids.first, mlflow.ids.second}
    first, second = (runs[run] for run in (mlflow.ids.first, mlflow.ids.second))
    assert (first.model, first.version, first.state, first.experiment) == (
        "credit-default",
        "1.0.0",
        "succeeded",
        "credit",
    )
    assert first.parameters == {"learning_rate": 0.1, "layers": [64, 32]}
    assert first.metrics == {"roc_auc": pytest.approx(0.81)}  # what is no number is left out
    assert first.features == ["age", "income", "default"]
    assert (first.commit, first.branch, first.trigger) == ("c0ffee" + "0" * 34, "main", "unknown")
    assert (second.branch, second.trigger) == ("feature/rates", "new_data")
    assert first.started_at <= first.finished_at == first.at
    assert httpx2.get(first.url).is_success


def test_digests_tell_the_same_data_from_other_data(mlflow, told):
    runs, _ = told(models=NAMES, experiments=["credit"])
    first, second, other = (runs[run] for run in (mlflow.ids.first, mlflow.ids.second, mlflow.ids.other_data))
    assert first.data_digest == second.data_digest != first.evaluation_digest
    assert first.evaluation_digest == second.evaluation_digest == other.evaluation_digest
    assert other.data_digest == "sha256:" + "5e" * 32


def test_an_experiments_runs_are_a_pipelines_with_child_runs_as_stages(mlflow, told):
    runs, _ = told(models=NAMES, experiments=["credit"], pipeline="credit-training")
    whole = runs[mlflow.ids.pipeline]
    assert (whole.pipeline, whole.trigger) == ("credit-training", "schedule")
    assert {one.name: one.state for one in whole.stages} == {"fit": "succeeded", "check": "failed"}
    assert {one.pipeline for one in runs.values()} == {"credit-training"}
    assert runs[mlflow.ids.running].state == "running"
    assert len(runs) == 5


def test_a_run_is_told_with_what_its_child_runs_tell(mlflow, told):
    runs, _ = told(models=NAMES, experiments=["credit"], pipeline="credit-training")
    whole = runs[mlflow.ids.pipeline]
    assert whole.parameters == {"learning_rate": 0.2, "layers": [64, 32]}
    assert whole.features == ["age", "income", "default"]
    assert whole.data_digest == runs[mlflow.ids.first].data_digest
    assert runs[mlflow.ids.running].parameters == {}


def test_pages_are_followed(mlflow, told, monkeypatch):
    monkeypatch.setattr(collector, "PAGE", 1)
    monkeypatch.setattr("app.evidence.collecting.mlflow_registry.PAGE", 1)
    runs, versions = told(models={}, experiments=["credit"])
    assert (len(runs), len(versions)) == (5, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": {"credits": "x"}}, "no registered model 'credits' .did you mean \"credit\""),
        ({"models": NAMES, "experiments": ["gone"]}, "gone"),
    ],
)
def test_what_is_not_there_is_named(told, options, words):
    with pytest.raises(Invalid, match=words):
        told(**options)


def test_an_import_that_runs_again_changes_nothing(mlflow, pipeline, database, admin):
    with database.write() as session:
        planted.model(session)
    declared = PIPELINE | {"experiment": {"metric": "roc_auc"}}
    assert admin.put("/api/v1/pipelines/credit-training", json=declared).status_code == 200
    arguments = ("ledger", "import", "mlflow", "--url", mlflow.url, "--model", "credit=credit-default")
    arguments += ("--experiment", "credit", "--pipeline", "credit-training")
    code, said = pipeline(*arguments)
    assert (code, said.splitlines()[-1]) == (0, "7 recorded"), said
    assert pipeline(*arguments)[1].splitlines()[-1] == "7 known"
    with database.read() as session:
        history = facts.of_models(session, session.exec(select(Model)).all(), utcnow())
    assert {one.run for one in history.runs} >= {mlflow.ids.first, mlflow.ids.second}
    assert [one.number for one in history.registered_versions] == ["1", "2"]
    rows = {one["number"]: one for one in admin.get("/api/v1/models/credit-default/ledger").json()["rows"]}
    assert (rows[16]["status"], rows[27]["status"]) == ("met", "met")
    assert rows[30]["missing"].endswith("tells no metrics")  # of the newest, which logged parameters alone
    assert [proof["source"] for proof in rows[30]["proofs"]] == ["MLflow", "MLflow"]
    (proof,) = rows[28]["proofs"]
    assert proof["text"] == "4 of 4 runs tell features and parameters"


def ask(mlflow, method, path, **body):
    answer = httpx2.request(method, f"{mlflow.url}/{API}/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_its_own_webhooks_are_heard_once_each(mlflow, server, connect, messages, told_by_now, admin):
    secret = connect("mlflow", models=NAMES)["secret"]
    events = [
        {"entity": "MODEL_VERSION", "action": "CREATED"},
        {"entity": "MODEL_VERSION_TAG", "action": "SET"},
        {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"},
    ]
    hook = {"name": "assay", "url": f"{server.url}/hooks/mlflow", "events": events, "secret": secret}
    made = ask(mlflow, "POST", "webhooks", **hook)
    version = ask(
        mlflow, "POST", "model-versions/create", name="credit", source="s3://b/m", run_id=mlflow.ids.first
    )
    number = version["model_version"]["version"]
    ask(mlflow, "POST", "model-versions/set-tag", name="credit", version=number, key="assay.version", value="3.0.0")
    ask(mlflow, "POST", "registered-models/alias", name="credit", alias="next", version=number)
    ask(mlflow, "POST", "model-versions/create", name="fraud", source="s3://b/m")
    until(lambda: len(messages("mlflow")) == 4)
    assert sorted(status for status, *_ in messages("mlflow")) == ["refused", "set_aside", "set_aside", "set_aside"]
    assert {one["number"] for one in told_by_now()} == {number}
    found = {name: value for one in told_by_now() for name, value in one.items()}
    assert (found["run"], found["version"], found["aliases"]) == (mlflow.ids.first, "3.0.0", ["next"])
    wrong = admin.post("/api/v1/connections/mlflow/rotate", json={"overlap_hours": 0})
    assert wrong.status_code == 200
    hook_id = made["webhook"]["webhook_id"]
    tried = ask(mlflow, "POST", f"webhooks/{hook_id}/test")["result"]
    assert tried["response_status"] == 401
    assert len(messages("mlflow")) == 4
    ask(mlflow, "DELETE", f"webhooks/{hook_id}")


@pytest.fixture
def told_by_now(admin):
    return lambda: [one["body"] for one in admin.get("/api/v1/ledger/events").json()["items"]]


@pytest.fixture
def decide(database, client):
    """``decide()``: the gate's decision on credit-default 1.0.0; ``decide(DATA_1="fail")``: after that."""
    with database.write() as session:
        version = planted.version(session, planted.model(session))
    ci = client("ci")

    def ask_gate(**verdicts):
        with database.write() as session:
            planted.admissible(session, version, **verdicts)
        asked = {"model": "credit-default", "version": "1.0.0", "environment": "production"}
        return ci.post("/api/v1/gate/evaluations", json=asked).json()

    return ask_gate


def registered(mlflow, number="1"):
    """(tags, aliases that point to it)."""
    found = httpx2.get(
        f"{mlflow.url}/{API}/model-versions/get", params={"name": "credit", "version": number}
    ).json()
    model = httpx2.get(f"{mlflow.url}/{API}/registered-models/get", params={"name": "credit"}).json()
    tags = {one["key"]: one["value"] for one in found["model_version"]["tags"]}
    aliases = model["registered_model"].get("aliases", ())
    return tags, [one["alias"] for one in aliases if one["version"] == number]


def test_a_decision_is_written_back_and_a_newer_one_takes_its_place(mlflow, pipeline, decide):
    passed, failed = decide(), decide(DATA_1="fail")
    assert (passed["status"], failed["status"]) == ("pass", "fail")

    def publish(decision, *more):
        code, said = pipeline("gate", "publish", decision["id"], "--mlflow", mlflow.url, "--name", "credit", *more)
        return code, said.splitlines()[-1]

    code, said = publish(passed)
    assert (code, said) == (0, f"decision {passed['id']} (pass) is on credit 1, which assay-production points to")
    tags, aliases = registered(mlflow)
    assert {key: value for key, value in tags.items() if key.startswith("assay.")} == {
        "assay.version": "1.0.0",
        "assay.status": "pass",
        "assay.decision": str(passed["id"]),
        "assay.score": str(passed["score"]),
        "assay.environment": "production",
        "assay.url": passed["evaluation_url"],
    }
    assert aliases == ["assay-production"]
    assert publish(failed) == (0, f"decision {failed['id']} (fail) is on credit 1")
    tags, aliases = registered(mlflow)
    assert (tags["assay.status"], tags["assay.decision"], aliases) == ("fail", str(failed["id"]), [])
    code, said = publish(passed)  # late, or again: the newer one stands
    assert (code, f"bears decision {failed['id']} already" in said) == (1, True)
    assert registered(mlflow) == (tags, [])
    assert publish(passed, "--number", "99")[0] == 1
    assert publish(decide(), "--number", "2")[0] == 0
    assert registered(mlflow, "2")[1] == ["assay-production", "champion"]


def test_a_version_that_is_not_named_is_asked_for(mlflow, pipeline, decide):
    passed = decide()
    code, said = pipeline("gate", "publish", passed["id"], "--mlflow", mlflow.url, "--name", "fraud")
    assert (code, "give --number" in said) == (1, True)
