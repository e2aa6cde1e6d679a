"""Experiments: the best by the one declared metric on the same data, and how two differ."""

import pytest

from app.errors import Conflict, Invalid, NotFound
from app.ledger.reading.experiments import NO_BRANCH, difference, experiments, in_parallel, recorded
from app.ledger.reading.words import Status
from tests.ledger.planting import CI, plant
from tests.ledger.story import Story, at

EVAL, OTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32


@pytest.fixture
def story():
    story = Story()
    story.pipeline("p", experiment={"metric": "roc_auc"})
    return story


def trial(story, name, start, value=None, branch="main", evaluation=EVAL, **more):
    metrics = {} if value is None else {"roc_auc": value}
    told = {"branch": branch, "evaluation_digest": evaluation, "metrics": metrics, "experiment": None} | more
    story.run(name, start, start + 0.5, pipeline="p", **told)


def read(story, evaluation=None, days=30):
    history = story.history(days)
    return experiments(history, history.pipelines[0], evaluation)


def differ(story, one, other):
    history = story.history(30)
    return difference(history, history.pipelines[0], one, other)


def best(story):
    return {one.name: one.best.run if one.best else None for one in read(story).branches}


def test_the_best_of_each_branch_and_of_all(story):
    trial(story, "a", 1, 0.7)
    trial(story, "b", 2, 0.8)
    trial(story, "c", 3, 0.75, branch="wide")
    trial(story, "d", 4, 0.79, branch=None)
    found = read(story)
    assert best(story) == {"main": "b", "wide": "c", NO_BRANCH: "d"}
    assert (found.best.run, found.best.value, found.best.at) == ("b", 0.8, at(2.5))
    assert found.set_aside == ()


def test_an_error_is_minimised(story):
    story.pipelines.clear()
    story.pipeline("p", experiment={"metric": "roc_auc", "direction": "minimize"})
    trial(story, "a", 1, 0.7)
    trial(story, "b", 2, 0.8)
    assert read(story).best.run == "a"


def test_of_equals_the_first_is_best(story):
    for name, start in (("b", 2), ("a", 3), ("c", 1.5)):
        trial(story, name, start, 0.8)
    assert read(story).best.run == "c"


def test_only_the_same_evaluation_data_is_compared(story):
    trial(story, "a", 1, 0.99, evaluation=OTHER)
    trial(story, "b", 2, 0.8)
    found = read(story)
    assert (found.evaluation_digest, found.best.run) == (EVAL, "b")
    assert [(one.run, one.why) for one in found.set_aside] == [
        ("a", f"it was measured on other evaluation data ({OTHER})")
    ]
    assert read(story, OTHER).best.run == "a"
    assert read(story, "sha256:" + "00" * 32).best is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"state": "failed"}, "it has not succeeded: failed"),
        ({"state": "running"}, "it has not succeeded: running"),
        ({"evaluation": None}, "it does not tell on which evaluation data it was measured (evaluation_digest)"),
        ({"metrics": {"roc_auc_": 1.0}}, 'it tells no roc_auc (did you mean "roc_auc_"?)'),
    ],
)
def test_what_cannot_be_compared_is_set_aside_and_refused(story, told, why):
    trial(story, "a", 1, 0.7)
    trial(story, "b", 2, 0.9, **told)
    found = read(story)
    assert found.best.run == "a"
    assert [(one.run, one.why) for one in found.set_aside] == [("b", why)]
    with pytest.raises(Conflict) as refused:
        differ(story, "a", "b")
    assert refused.value.detail == f"a and b cannot be compared: b: {why}."


def test_without_a_declared_metric_it_says_what_to_declare(story):
    story.pipelines.clear()
    story.pipeline("p")
    trial(story, "a", 1, 0.7)
    with pytest.raises(
        Invalid, match=r"add `experiment: \{metric: roc_auc, direction: maximize\}` to pipeline.yaml"
    ):
        read(story)
    assert in_parallel(story.history(30)).status is Status.MISSING


def test_experiments_at_the_same_time_are_beside_each_other(story):
    trial(story, "a", 1, 0.7)
    trial(story, "b", 1.5, 0.7, branch="wide")  # begins the moment that a ends
    trial(story, "c", 2.1, 0.7, branch="deep", state="running")
    found = {one.name: one for one in read(story).branches}
    assert {name: one.beside for name, one in found.items()} == {"deep": (), "main": ("wide",), "wide": ("main",)}
    assert [found[name].running for name in ("deep", "main")] == [1, 0]
    assert (found["wide"].first_at, found["wide"].last_at) == (at(1.5), at(2))


def test_experiments_outside_of_the_pipeline_count_for_its_models(story):
    story.run("x", 1, 2, experiment="notebook", model="m", metrics={"roc_auc": 0.9}, evaluation_digest=EVAL)
    story.run("y", 1, 2, experiment="notebook", model="n", metrics={"roc_auc": 1.0}, evaluation_digest=EVAL)
    assert read(story).best.run == "x"


def test_the_difference_of_two(story):
    trial(story, "a", 1, 0.7, parameters={"depth": 3, "seed": 1, "old": True}, features=["age", "income"])
    trial(story, "b", 2, 0.8, parameters={"depth": 5, "seed": 1, "new": "x"}, features=["income", "region"])
    found = differ(story, "a", "b")
    assert (found.features_added, found.features_removed, found.better) == (("region",), ("age",), "b")
    assert [(one.name, one.one, one.other) for one in found.parameters] == [
        ("depth", 3, 5),
        ("new", None, "x"),
        ("old", True, None),
    ]
    assert [(one.name, one.one, one.other) for one in found.metrics] == [("roc_auc", 0.7, 0.8)]
    assert differ(story, "b", "a").better == "b"
    assert differ(story, "a", "a").better is None


def test_runs_on_different_data_have_no_difference(story):
    trial(story, "a", 1, 0.7, evaluation=OTHER)
    trial(story, "b", 2, 0.8)
    with pytest.raises(Conflict, match=f"a on {OTHER}, b on {EVAL}"):
        differ(story, "a", "b")


def test_a_run_that_nobody_told_of_is_not_found(story):
    trial(story, "nightly", 1, 0.7)
    with pytest.raises(NotFound, match='did you mean "nightly"'):
        differ(story, "nightly", "nighty")


def test_the_row_of_parallel_experiments(story):
    assert in_parallel(story.history(30)).status is Status.UNKNOWN
    trial(story, "a", 1, 0.7, evaluation=None)
    assert in_parallel(story.history(30)).status is Status.UNKNOWN
    trial(story, "b", 2, 0.8)
    found = in_parallel(story.history(30))
    assert (found.status, "on main only" in found.missing) == (Status.MISSING, True)
    trial(story, "c", 3, 0.75, branch="wide")
    found = in_parallel(story.history(30))
    assert found.holds
    assert [one.text for one in found.proofs] == ["main: roc_auc 0.8 (run b)", "wide: roc_auc 0.75 (run c)"]


def test_the_row_of_features_and_hyperparameters(story):
    assert recorded(story.history(30)).status is Status.UNKNOWN
    trial(story, "a", 1, 0.7, parameters={"depth": 3}, features=["age"])
    trial(story, "x", 1.1, 0.7, state="failed")
    assert recorded(story.history(30)).holds
    trial(story, "b", 2, 0.7, parameters={"depth": 3})
    found = recorded(story.history(30))
    assert found.status is Status.MISSING
    assert found.missing == "1 of 2 runs lack features or parameters, such as b"


@pytest.mark.both_databases
def test_over_http(database, story, client):
    trial(story, "a", 1, 0.7, parameters={"depth": 3}, features=["age"])
    trial(story, "b", 2, 0.8, parameters={"depth": 4}, features=["age"], branch="wide")
    trial(story, "c", 3, 0.9, evaluation=OTHER, state="failed")
    plant(database, story, CI)
    reader, path = client("viewer"), "/api/v1/pipelines/p/experiments"
    told = reader.get(path).json()
    assert [(one["name"], one["best"]["run"]) for one in told["branches"][:1]] == [("main", "a")]
    assert (told["best"]["run"], told["evaluation_digest"]) == ("b", EVAL)
    diff = reader.get(f"{path}/diff", params={"one": "a", "other": "b"}).json()
    assert diff["parameters"] == [{"name": "depth", "one": 3, "other": 4}]
    refused = reader.get(f"{path}/diff", params={"one": "a", "other": "c"})
    assert (refused.status_code, "not succeeded: failed" in refused.json()["detail"]) == (409, True)
    assert reader.get("/api/v1/pipelines/q/experiments").status_code == 404
