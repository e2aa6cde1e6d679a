"""INFRA-3 on planted runs: whole and recent, by hand, broken, incomplete, too old, untold."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.contract import Missing, Verdict
from checks.experiments import PipelineRun, PipelineRuns, Stage
from checks.infra.pipeline_integration import PipelineIntegration
from checks.serving import Moment, RetrainingCadence
from tests.checks.planted import declaration, judged, require_storable

CHECK = PipelineIntegration()
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
STAGES = ("extract", "train")


def run(**changes):
    days = changes.pop("days", 1.0)
    states = changes.pop("stages", ("succeeded", "succeeded"))
    planted = {
        "id": "r1",
        "trigger": "schedule",
        "orchestrated": True,
        "state": "succeeded",
        "stages": tuple(Stage(name, state) for name, state in zip(STAGES, states, strict=False) if state),
        "finished_at": None if days is None else NOW - timedelta(days=days),
        "automatic": True,
    }
    return PipelineRun(**{**planted, **changes})


def measured(*runs, retraining=None, of="training", **declared):
    declared = {"pipeline": "training", "stages": STAGES, "cadence_days": 7.0, **declared}
    record = PipelineRuns("d" * 64, None, "kfp", of, runs)
    measurement = CHECK.measure(declaration(**declared), record, Moment(NOW), retraining)
    require_storable(measurement)
    return measurement


def test_a_whole_scheduled_run_inside_the_cadence_passes():
    judgement = judged(CHECK, measured(run()))
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "Of 1 runs in kfp r1 went through extract, train, not started by hand (trigger: schedule), and finished "
        "1.0 days before the audit, within 7 days."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"automatic": False, "trigger": "manual"}, "it was started by hand"),
        ({"state": "failed"}, "it is failed"),
        ({"state": "running"}, "it is running"),
        ({"stages": ("succeeded", "failed")}, "not all declared stages succeeded: train failed"),
        ({"stages": ("skipped", "succeeded")}, "extract skipped"),
        ({"stages": ("succeeded",)}, "train absent"),
        ({"days": 7.001}, "it finished 7.0 days before the audit, where 7 are declared"),
        ({"days": -1}, "it finished after the audit"),
    ],
)
def test_it_fails_for_each_reason(changes, words):
    judgement = judged(CHECK, measured(run(**changes)))
    assert judgement.verdict is Verdict.FAIL
    assert words in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"automatic": None, "trigger": "unknown"}, "nothing tells what started it"),
        ({"stages": ("succeeded", "unknown")}, "nothing tells how these stages ended: train"),
        ({"state": "unknown"}, "nothing tells how it ended"),
        ({"days": None}, "nothing tells when it finished"),
    ],
)
def test_what_nothing_tells_is_inconclusive(changes, words):
    judgement = judged(CHECK, measured(run(**changes)))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert words in judgement.reason


def test_what_certainly_fails_is_no_matter_of_knowledge():
    assert judged(CHECK, measured(run(automatic=None, days=8))).verdict is Verdict.FAIL


@pytest.mark.parametrize(("days", "share", "verdict"), [(7, 1, "pass"), (7.01, 1, "fail"), (14, 2, "pass")])
def test_the_cadence_is_the_limit(days, share, verdict):
    assert judged(CHECK, measured(run(days=days)), max_share=share).verdict == verdict


def test_one_good_run_among_others_is_enough():
    others = [run(id="r2", days=0.1, state="failed"), run(id="r3", days=0.5, automatic=False)]
    judgement = judged(CHECK, measured(*others, run(days=3)))
    assert judgement.verdict is Verdict.PASS
    assert "Of 3 runs in kfp r1" in judgement.reason


def test_of_failures_the_run_that_lacks_least_is_told():
    judgement = judged(CHECK, measured(run(id="r2", state="failed", days=9), run(id="r3", days=8)))
    assert "r3 comes closest, and it finished 8.0 days before the audit" in judgement.reason


def test_no_run_at_all_fails():
    assert judged(CHECK, measured()).reason == "kfp has no run of the pipeline."


def test_retraining_is_the_cadence_where_the_pipeline_declares_none():
    measurement = measured(run(days=80), retraining=RetrainingCadence(90), cadence_days=None)
    assert judged(CHECK, measurement).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"stages": ()}, "the pipeline's stages"),
        ({"cadence_days": None}, "the pipeline's cadence"),
        ({"of": "another"}, "runs of the pipeline training: those handed in are of another"),
    ],
)
def test_what_is_missing_is_named(declared, words):
    with pytest.raises(Missing, match=words):
        measured(run(), **declared)
