"""Pipelines for people: pages, the command line, and the probe that asks components whether they answer."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from markupsafe import escape

from app.catalog.pipelines import ComponentPart
from app.cli import ledger, pipelines, probing, run
from app.client import Assay
from app.ledger import probing as prober
from tests.ledger.test_pipelines import DECLARED, PIPELINE, a_run, ago, ci, declared, tell, whole  # noqa: F401

FILE = """\
assay_pipeline: 1
name: credit-training
owner: risk
repository: bank/credit
models: [credit-default]
components:
  - {kind: model_registry, name: MLflow, url: "URL"}
  - {kind: feature_store, name: Feast}
"""


@contextmanager
def answering(answers):
    """A server on 127.0.0.1 that answers each path with (status, body), and 404 everything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers.get(self.path, (404, ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def assay(client, monkeypatch, capsys):
    """``assay("pipeline", "list")``: (exit code, what was printed)."""
    connection = Assay()
    connection._http = client("ci")
    connection._http.base_url = "http://testserver/api/v1/"
    for module in (pipelines, probing, ledger):
        monkeypatch.setattr(module, "Assay", lambda: connection)

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


# --- pages ------------------------------------------------------------------------------------------


def test_nobody_has_declared_a_pipeline(client):
    assert "assay pipeline register" in client("viewer").get("/pipelines").text


def test_a_pipeline_shows_its_level_stages_components_chain_and_runs(client, declared, tell):  # noqa: F811
    tell(whole("nightly-1", 2), whole("nightly-2", 1))
    viewer = client("viewer")
    assert f'href="/pipelines/{PIPELINE}"' in viewer.get("/pipelines").text
    page = viewer.get(f"/pipelines/{PIPELINE}").text
    for row in ("CI", "1 Development and experimentation", "Model registry", "ML pipeline orchestrator"):
        assert f'data-name="{row}"' in page
    assert page.index('data-run="nightly-2"') < page.index('data-run="nightly-1"')
    level = viewer.get(f"/api/v1/pipelines/{PIPELINE}/scorecard").json()["automation"]["level"]
    assert f'data-field="level">{"unknown" if level is None else level}<' in page


def test_the_list_shows_the_level_and_the_lights(client, declared, tell):  # noqa: F811
    tell(whole("nightly-1", 2), whole("nightly-2", 1))
    viewer = client("viewer")
    page = viewer.get("/pipelines").text
    card = viewer.get(f"/api/v1/pipelines/{PIPELINE}/scorecard").json()
    assert card["automation"]["level"] is None
    for light in card["lights"]:
        words = page.split(f'class="light" title="{escape(light["title"])}"')[1]
        assert f"is-{light['judged']['status']}" in words.split("</span>")[0]
    assert page.count('class="light"') == 4


def test_triggers_that_are_declared_and_those_that_were_seen(ci, client, declared, tell):  # noqa: F811
    ci.put(f"/api/v1/pipelines/{PIPELINE}", json=DECLARED | {"triggers": ["schedule", "degradation"]})
    tell(a_run("1", 3, trigger="schedule"), a_run("2", 2, trigger="schedule"), a_run("3", 1, trigger="manual"))
    tell(a_run("4", 1, trigger="unknown"))
    viewer = client("viewer")
    told = viewer.get(f"/api/v1/pipelines/{PIPELINE}/scorecard").json()["triggers"]
    assert [(one["trigger"], one["declared"], one["runs"], one["last_at"] is None) for one in told] == [
        ("schedule", True, 2, False),
        ("degradation", True, 0, True),
        ("manual", False, 1, False),
    ]
    page = viewer.get(f"/pipelines/{PIPELINE}").text
    assert "never seen" in page.split('data-trigger="degradation"')[1].split("</tr>")[0]


def test_experiments_by_branch_and_the_best_of_all(ci, client, declared, tell):  # noqa: F811
    viewer = client("viewer")
    assert "No metric is declared" in viewer.get(f"/pipelines/{PIPELINE}").text
    ci.put(f"/api/v1/pipelines/{PIPELINE}", json=DECLARED | {"experiment": {"metric": "roc_auc"}})
    measured = {"evaluation_digest": "e" * 32}
    tell(
        a_run("a", 2, branch="main", metrics={"roc_auc": 0.8}, **measured),
        a_run("b", 1, branch="deeper", metrics={"roc_auc": 0.9}, **measured),
        a_run("c", 1, branch="odd", metrics={"f1": 0.9}, **measured),
    )
    page = viewer.get(f"/pipelines/{PIPELINE}").text
    assert '<strong data-field="best">b</strong>' in page
    assert 'data-branch="main"' in page
    assert "Not compared: c on odd: it tells no roc_auc" in page


def test_what_a_pipeline_was_named_is_text(client, declared, tell):  # noqa: F811
    tell(a_run("<script>alert(1)</script>", 1, url="javascript:alert(1)"))
    page = client("viewer").get(f"/pipelines/{PIPELINE}").text
    assert "<script>alert" not in page
    assert "javascript:" not in page


def test_a_pipeline_that_nobody_knows_is_not_found(client, declared):  # noqa: F811
    answer = client("viewer").get("/pipelines/credit-trainign")
    assert answer.status_code == 404
    assert PIPELINE in answer.text


# --- runs, page by page -----------------------------------------------------------------------------


def test_two_thousand_runs_are_read_page_by_page_each_once(ci, declared, tell):  # noqa: F811
    for start in (0, 1000):
        tell(*(a_run(f"run-{n:04}", 1 + (2000 - n) / 100) for n in range(start, start + 1000)))
    seen, cursor = [], None
    while True:
        asked = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = ci.get(f"/api/v1/pipelines/{PIPELINE}/runs", params=asked).json()
        seen += [one["run"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"run-{n:04}" for n in reversed(range(2000))]


# --- the command line -------------------------------------------------------------------------------


def test_a_pipeline_is_registered_listed_and_shown(assay, tmp_path):
    file = tmp_path / "pipeline.yaml"
    file.write_text(FILE.replace("URL", "https://mlflow.example.com"))
    assert assay("pipeline", "register", "-f", str(file))[0] == 0
    assert "bank/credit" in assay("pipeline", "list")[1]
    code, shown = assay("pipeline", "show", "credit-training")
    assert code == 0
    assert "automation level unknown" in shown
    assert "Model registry" in shown
    said = assay("pipeline", "show", "credit-training", "-o", "json")[1]
    card, _ = json.JSONDecoder().raw_decode(said[said.index("{\n") :])  # log lines stand before it
    assert card["declared"]["components"][0]["name"] == "MLflow"


def test_a_file_that_makes_no_sense_is_told_by_line(assay, tmp_path):
    file = tmp_path / "pipeline.yaml"
    file.write_text(FILE.replace("model_registry", "model_registrie"))
    code, said = assay("pipeline", "register", "-f", str(file))
    assert code == 1
    assert f"{file}:7" in said
    assert "model_registry" in said


def test_runs_are_listed(assay, declared, tell):  # noqa: F811
    tell(whole("nightly-1", 2))
    assert "nightly-1" in assay("pipeline", "runs", PIPELINE)[1]


# --- probing ----------------------------------------------------------------------------------------


def test_components_are_asked_and_the_ledger_is_told(assay, ci, tmp_path):  # noqa: F811
    file = tmp_path / "pipeline.yaml"
    with answering({"/version": (200, "3.17.2")}) as url:
        file.write_text(FILE.replace("URL", url))
        assay("pipeline", "register", "-f", str(file))
        code, said = assay("ledger", "probe", "credit-training")
    assert (code, "answers" in said, "3.17.2" in said) == (0, True, True)
    told = ci.get("/api/v1/ledger/events", params={"kind": "component"}).json()["items"]
    assert [(one["body"]["name"], one["body"]["reachable"]) for one in told] == [("MLflow", True)]
    found = {
        one["kind"]: one["judged"]["status"]
        for one in ci.get("/api/v1/pipelines/credit-training/scorecard").json()["components"]
    }
    assert (found["model_registry"], found["feature_store"]) == ("met", "unknown")


def test_a_component_that_does_not_answer_is_told_too(assay, ci, tmp_path):  # noqa: F811
    with answering({}) as url:
        pass  # nobody listens there any more
    file = tmp_path / "pipeline.yaml"
    file.write_text(FILE.replace("URL", url))
    assay("pipeline", "register", "-f", str(file))
    assert assay("ledger", "probe", "credit-training")[0] == 1
    card = ci.get("/api/v1/pipelines/credit-training/scorecard").json()
    registry = next(one for one in card["components"] if one["kind"] == "model_registry")
    assert (registry["reachable"], registry["judged"]["status"]) == (False, "missing")


def test_without_any_url_there_is_nothing_to_probe(assay, declared):  # noqa: F811
    code, said = assay("ledger", "probe", PIPELINE)
    assert code == 1
    assert "declares no component with a url" in said


@pytest.mark.parametrize(
    ("name", "answers", "found"),
    [
        ("MLflow", {"/version": (200, "3.1.0\n")}, (True, "3.1.0")),
        ("Kubeflow Pipelines", {"/apis/v2beta1/healthz": (200, '{"tag_name": "2.14.0"}')}, (True, "2.14.0")),
        ("GitLab", {"/api/v4/metadata": (200, '{"version": "18.5.0"}')}, (True, "18.5.0")),
        ("GitHub Enterprise", {"/api/v3/meta": (200, '{"installed_version": "3.19"}')}, (True, "3.19")),
        ("GitLab", {"/api/v4/metadata": (401, "")}, (True, None)),
        ("Feast", {"": (200, "ok"), "/": (200, "ok")}, (True, None)),
        ("MLflow", {"/version": (500, "")}, (False, None)),
        ("MLflow", {}, (False, None)),
        ("MLflow", {"/version": (302, "")}, (True, None)),
        ("Kubeflow", {"/apis/v2beta1/healthz": (200, "[1, 2")}, (True, None)),
    ],
)
def test_tools_tell_their_version_in_their_own_way(name, answers, found):
    with answering(answers) as url:
        told = prober.probe(ComponentPart(kind="orchestrator", name=name, url=url), 5)
    assert (told.reachable, told.version) == found
