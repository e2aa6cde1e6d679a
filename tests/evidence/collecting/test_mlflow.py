"""A real MLflow tracking server on SQLite; its own client logs, assay reads over REST."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import Invalid
from app.evidence import pipeline_runs as runs_form
from app.evidence import trials as trials_form
from app.evidence.collecting import mlflow as collector
from app.evidence.trials import ParameterForm
from tests.evidence.collecting.conftest import tool
from tests.evidence.collecting.mlflow_server import mlflow_server

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("mlflow_runs.py")


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """The server's ``url`` and the ``ids`` of what was logged."""
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder) as url:
        yield SimpleNamespace(url=url, ids=json.loads(tool("python", SCRIPT, url, cwd=folder).splitlines()[-1]))


@pytest.fixture
def tracking(mlflow):
    """A connection to it."""
    with collector.connect(mlflow.url) as reader:
        yield reader


def test_child_runs_are_trials(mlflow, tracking):
    document = collector.trials(tracking, mlflow.ids["search"]["parent"], "auc", "maximize")
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


def test_every_page_is_read(mlflow, tracking, monkeypatch):
    monkeypatch.setattr(collector, "PAGE", 5)
    document = collector.trials(tracking, mlflow.ids["search"]["parent"], "auc", "maximize")
    assert len({one.id for one in document.trials}) == 27


@pytest.mark.parametrize("registered", ["credit@champion", "credit/1"])
def test_what_was_registered_was_chosen(mlflow, tracking, registered):
    document = collector.trials(
        tracking,
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
def test_a_run_that_is_not_there_is_named(tracking, arguments, words):
    with pytest.raises(Invalid, match=words):
        collector.trials(tracking, *arguments)


@pytest.mark.parametrize(
    ("registered", "words"),
    [("credit@gone", "answered 4"), ("credit/7", "answered 4"), ("credit", "write NAME@ALIAS or NAME/VERSION")],
)
def test_a_registered_version_that_is_not_there_is_named(mlflow, tracking, registered, words):
    with pytest.raises(Invalid, match=words):
        collector.trials(tracking, mlflow.ids["search"]["parent"], "auc", "maximize", registered=registered)


def test_a_run_without_children_is_no_search(mlflow, tracking):
    with pytest.raises(Invalid, match="has no child runs: log each trial as a nested run"):
        collector.trials(tracking, mlflow.ids["search"]["best"], "auc", "maximize")


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(Invalid, match=r"http://127\.0\.0\.1:1/api/2\.0/mlflow/runs/get does not answer"):
        collector.trials(collector.connect("http://127.0.0.1:1"), "a", "auc", "maximize")
    with pytest.raises(Invalid, match="no http"):
        collector.connect("sqlite:///mlflow.db")


def test_runs_with_child_runs_are_the_pipelines(mlflow, tracking):
    document = collector.pipeline_runs(tracking, "training", "credit-training")
    ids = mlflow.ids["pipelines"]
    assert {one.id: (one.trigger, one.state) for one in document.runs} == {
        ids["whole"]: ("schedule", "succeeded"),
        ids["by_hand"]: ("manual", "succeeded"),
        ids["broken"]: ("unknown", "failed"),
    }
    stages = {one.id: {stage.name: stage.state for stage in one.stages} for one in document.runs}
    assert stages[ids["whole"]] == {"extract": "succeeded", "train": "succeeded"}
    assert stages[ids["broken"]] == {"extract": "succeeded", "train": "failed"}
    assert all(one.started_at <= one.finished_at and not one.orchestrated for one in document.runs)
    assert runs_form.parse(document.written()) == document
    told = collector.pipeline_runs(tracking, "training", "credit-training", "ci")
    assert [one.trigger for one in told.runs if one.id == ids["broken"]] == ["ci"]


def test_an_experiment_that_is_not_there_is_named(tracking):
    with pytest.raises(Invalid, match=r"answered 404: .*nothing"):
        collector.pipeline_runs(tracking, "nothing", "p")


def test_from_the_tracking_server_to_the_findings(mlflow, pipeline, registered, finding):
    registered(
        version__tunables={"max_iter": 200, "learning_rate": 0.1},
        version__pipeline={"name": "credit-training", "stages": ["extract", "train"], "cadence_days": 1},
    )
    push = ("--url", mlflow.url, "--push", "--model", "tumour-malignancy", "--version", "1.0.0")
    search = ("--trials", mlflow.ids["search"]["parent"], "--metric", "auc", "--direction", "maximize")
    collect = ("evidence", "collect")
    assert pipeline(*collect, "mlflow", *search, "--registered", "credit@champion", *push)[0] == 0
    runs = ("--experiment", "training", "--pipeline", "credit-training")
    assert pipeline(*collect, "mlflow-runs", *runs, *push)[0] == 0
    found = finding("MODEL-3")
    assert (found["verdict"], found["cap"]) == ("pass", None), found["reason"]
    assert found["reason"].startswith("24 different trials count of 27 in mlflow's grid")
    found = finding("INFRA-3")
    assert (found["verdict"], found["cap"]) == ("pass", None), found["reason"]
    assert f"{mlflow.ids['pipelines']['whole']} went through extract, train" in found["reason"]
