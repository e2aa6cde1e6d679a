"""Runs of a pipeline and outcomes of trainings: what is refused at the door, and what reaches a check."""

import json

import pytest

from app.errors import Invalid
from app.evidence.kinds import KINDS

RUN = {
    "id": "r1",
    "trigger": "schedule",
    "orchestrated": True,
    "state": "succeeded",
    "started_at": "2026-11-24T05:00:00Z",
    "finished_at": "2026-11-24T06:00:00+01:00",
    "stages": [{"name": "train", "state": "succeeded"}],
}
RUNS = {"source": {"tool": "airflow", "name": "dag"}, "pipeline": "training", "runs": [RUN]}
OUTCOME = {
    "run": "ci-1",
    "commit": "3f2a91c",
    "data": "d" * 64,
    "config": {"max_iter": 200},
    "metrics": {"auc": 0.8},
    "predictions": {"a": 0.1, "b": [0.2, 0.8]},
}


def parse(kind, document):
    return KINDS[kind].parse(json.dumps(document).encode())


def test_what_is_written_is_read_again():
    for kind, document in (("pipeline-runs", RUNS), ("training-outcome", OUTCOME)):
        read = parse(kind, document)
        assert KINDS[kind].parse(read.written()) == read


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trigger": "cron"}, "runs.0.trigger: 'cron' is not one of schedule, event, ci, manual, unknown"),
        ({"finished_at": "2026-11-24T04:00:00Z"}, "runs.0: it finished before it started"),
        ({"finished_at": None}, "runs.0: a run that succeeded has finished_at"),
        ({"finished_at": "2026-11-24T06:00:00"}, "runs.0.finished_at: input should have timezone info"),
        ({"finished_at": "soon"}, "runs.0.finished_at"),
        ({"stages": [RUN["stages"][0]] * 2}, "the stage 'train' is there twice"),
        ({"trigered": "ci"}, 'runs.0.trigered: unknown key (did you mean "trigger"?)'),
        ({"orchestrated": None}, "runs.0.orchestrated"),
    ],
)
def test_runs_that_cannot_be_are_refused(changes, words):
    with pytest.raises(Invalid, match="This is not a list of pipeline runs: ") as refused:
        parse("pipeline-runs", {**RUNS, "runs": [{**RUN, **changes}]})
    assert words in refused.value.detail


def test_a_run_is_there_once():
    with pytest.raises(Invalid, match="the run 'r1' is there twice"):
        parse("pipeline-runs", {**RUNS, "runs": [RUN, RUN]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": {}, "predictions": {}}, "it has neither metrics nor predictions"),
        ({"metrics": {"auc": float("nan")}}, "metrics.auc: input should be a finite number"),
        ({"predictions": {"a": float("inf")}}, "predictions.a"),
        ({"predictions": {"a": []}}, "predictions.a"),
        ({"commit": "main"}, "commit"),
        ({"run": ""}, "run"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(changes, words):
    with pytest.raises(Invalid, match="This is not the outcome of a training: ") as refused:
        parse("training-outcome", {**OUTCOME, **changes})
    assert words in refused.value.detail
