"""A real MLflow tracking server on SQLite; its own client logs, assay reads over REST."""

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest

from app.errors import Invalid
from app.evidence import trials as trials_form
from app.evidence.collecting import mlflow as collector
from app.evidence.trials import ParameterForm
from tests.evidence.collecting.conftest import QUIET, TOOLS, tool

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("mlflow_runs.py")
START_SECONDS = 120


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """The server's ``url`` and the ``ids`` of what was logged."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [
        *(TOOLS / "mlflow", "server", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.sqlite3'}"),
        *("--artifacts-destination", folder / "artifacts"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | QUIET, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_answering(url, process, folder / "log")
        yield SimpleNamespace(url=url, ids=json.loads(tool("python", SCRIPT, url, cwd=folder).splitlines()[-1]))
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the server and its workers, a session of their own
        process.wait(30)


def wait_until_answering(url, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def server(mlflow):
    with collector.connect(mlflow.url) as reader:
        yield reader


def test_child_runs_are_trials(mlflow, server):
    document = collector.trials(server, mlflow.ids["search"]["parent"], "auc", "maximize")
    assert (document.source.tool, document.source.name) == ("mlflow", "grid")
    assert Counter(one.state for one in document.trials) == {"complete": 24, "failed": 3}
    best = next(one for one in document.trials if one.id == mlflow.ids["search"]["best"])
    assert best.value == pytest.approx(0.9)
    assert best.parameters == {
        "max_iter": 200,
        "learning_rate": 0.1,
        "layers": [64, 32],
        "early": True,
        "solver": "adam",
        "limit": None,
    }
    complete = {one.id for one in document.trials if one.state == "complete"}
    assert complete == set(mlflow.ids["search"]["children"])
    assert document.chosen is None
    assert trials_form.parse(document.written()) == document


def test_every_page_is_read(mlflow, server, monkeypatch):
    monkeypatch.setattr(collector, "PAGE", 5)
    document = collector.trials(server, mlflow.ids["search"]["parent"], "auc", "maximize")
    assert len({one.id for one in document.trials}) == 27


@pytest.mark.parametrize("registered", ["credit@champion", "credit/1"])
def test_what_was_registered_was_chosen(mlflow, server, registered):
    document = collector.trials(
        server,
        mlflow.ids["search"]["parent"],
        "auc",
        "maximize",
        registered=registered,
        ranges=[ParameterForm(name="max_iter", least=1)],
    )
    assert document.chosen["max_iter"] == 200
    assert document.parameters[0].least == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("0" * 32, "auc", "maximize"), "answered 404: .*RESOURCE_DOES_NOT_EXIST"),
        (("a'b", "auc", "maximize"), "answered 4"),
    ],
)
def test_a_run_that_is_not_there_is_named(server, arguments, words):
    with pytest.raises(Invalid, match=words):
        collector.trials(server, *arguments)


@pytest.mark.parametrize(
    ("registered", "words"),
    [("credit@gone", "answered 4"), ("credit/7", "answered 4"), ("credit", "write NAME@ALIAS or NAME/VERSION")],
)
def test_a_registered_version_that_is_not_there_is_named(mlflow, server, registered, words):
    with pytest.raises(Invalid, match=words):
        collector.trials(server, mlflow.ids["search"]["parent"], "auc", "maximize", registered=registered)


def test_a_run_without_children_is_no_search(mlflow, server):
    with pytest.raises(Invalid, match="has no child runs: log each trial as a nested run"):
        collector.trials(server, mlflow.ids["search"]["best"], "auc", "maximize")


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(Invalid, match=r"http://127\.0\.0\.1:1/api/2\.0/mlflow/runs/get does not answer"):
        collector.trials(collector.connect("http://127.0.0.1:1"), "a", "auc", "maximize")
    with pytest.raises(Invalid, match="no http"):
        collector.connect("sqlite:///mlflow.db")
