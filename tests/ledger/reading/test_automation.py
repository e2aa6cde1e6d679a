"""The automation level: every clause met, missing and unknown, and no level without evidence."""

from datetime import timedelta

import pytest

from app.ledger.reading import automation
from tests.ledger.reading.planted import (
    FORM,
    LEVEL_1,
    MODEL,
    NOW,
    PIPELINE,
    STAGES,
    by_hand,
    ci_run,
    commit,
    component,
    deployment,
    digest,
    finding,
    history,
    pipeline_version,
    run,
    traffic,
    turn,
    version,
)


def read(*told, **more):
    return automation.of_pipeline(history(*told, **more), PIPELINE)


def status(found, name):
    return next(
        one.judged.status.value for clauses in found.clauses.values() for one in clauses if one.name == name
    )


def judged(found, name):
    return next(one.judged for clauses in found.clauses.values() for one in clauses if one.name == name)


def changed(**more):
    """Level 1, with something else in the newest run."""
    return [LEVEL_1[0], run("nightly-2", 1, **more), *LEVEL_1[2:]]


def test_nothing_told_is_no_level():
    found = read()
    assert found.level is None
    assert {one.judged.status.value for clauses in found.clauses.values() for one in clauses} == {"unknown"}
    assert len(found.missing) == 6
    assert "pipeline_run events" in found.next


def test_level_0_is_runs_by_hand_that_no_orchestrator_recorded():
    found = read(by_hand("one", 3), by_hand("two", 1))
    assert found.level == 0
    assert (status(found, "by_hand"), status(found, "no_orchestrator")) == ("met", "met")
    assert judged(found, "by_hand").proofs[0].text == "run two: succeeded, trigger manual"
    assert status(found, "automatic_trigger") == "missing"


def test_experiments_of_a_model_are_evidence_of_level_0_too():
    told = by_hand("trial", pipeline=None, experiment="credit")
    assert automation.of_model(history(told), MODEL).level == 0
    assert read(told).level is None


def test_runs_that_do_not_say_what_started_them_are_no_level():
    found = read(run("one", 2, trigger=None), run("two", 1, trigger=None))
    assert found.level is None
    assert status(found, "automatic_trigger") == status(found, "new_data") == status(found, "by_hand") == "unknown"


def test_level_1():
    found = read(*LEVEL_1)
    assert found.level == 1
    assert {one.judged.status.value for one in found.clauses[1]} == {"met"}
    assert all(one.judged.proofs and one.judged.proofs[0].at for one in found.clauses[1])


@pytest.mark.parametrize("trigger", ["new_data", "degradation", "distribution_change"])
def test_every_automatic_trigger_counts(trigger):
    assert read(*changed(trigger=trigger), form=FORM).level == 1


@pytest.mark.parametrize("trigger", ["manual", "on_demand", "ci"])
def test_other_triggers_are_not_automatic(trigger):
    told = [run("nightly-1", 2, trigger=trigger), run("nightly-2", 1, trigger=trigger), *LEVEL_1[2:]]
    found = read(*told)
    assert (found.level, status(found, "automatic_trigger")) == (0, "missing")
    assert "Give the pipeline a schedule" in found.next


CLAUSES = [
    ("new_data", "missing", {"data_digest": digest("data of nightly-1")}),
    ("new_data", "unknown", {"data_digest": None}),
    ("data_validation", "missing", {"stages": [one for one in STAGES if one["role"] != "validation"]}),
    ("data_validation", "unknown", {"stages": None}),
    ("data_validation", "missing", {"stages": [*STAGES[2:], STAGES[1] | {"state": "failed"}]}),
    ("data_validation", "unknown", {"stages": [*STAGES[2:], STAGES[1] | {"state": "running"}]}),
    ("model_validation", "missing", {"stages": STAGES[:-1]}),
    ("metadata", "missing", {"evaluation_digest": None}),
    ("metadata", "missing", {"metrics": None}),
    ("metadata", "missing", {"parameters": None}),
]


@pytest.mark.parametrize(("name", "expected", "change"), CLAUSES)
def test_each_clause_alone_keeps_level_1_away(name, expected, change):
    found = read(*changed(**change))
    assert status(found, name) == expected
    assert found.level != 1
    assert {one.name for one in found.clauses[1] if not one.judged.holds} - {"new_data", "metadata"} <= {
        name, "data_validation", "model_validation"
    }  # fmt: skip
    assert (found.level == 0) == any(one.judged.status == "missing" for one in found.clauses[1])
    assert found.missing
    assert found.next


def test_a_stage_has_the_role_that_its_pipeline_declares():
    bare = [{"name": one["name"], "state": "succeeded"} for one in STAGES]
    assert status(read(*changed(stages=bare)), "data_validation") == "unknown"
    form = FORM.model_validate(
        FORM.model_dump() | {"stages": [{"name": one["name"], "role": one["role"]} for one in STAGES]}
    )
    assert status(read(*changed(stages=bare), form=form), "data_validation") == "met"


def test_one_run_has_no_data_before_it():
    found = read(run(), *LEVEL_1[2:])
    assert status(found, "new_data") == "unknown"
    assert status(read(run(), by_hand("first", 9), *LEVEL_1[2:]), "new_data") == "met"


def test_a_run_of_another_model_is_no_run_before():
    assert status(read(run(), run("other", 2, model="other"), *LEVEL_1[2:]), "new_data") == "unknown"
    same = run("other", 2, model="other", data_digest=digest("data of nightly-2"))
    assert status(read(*LEVEL_1, same), "new_data") == "met"


class TestSamePipeline:
    def of(self, *told):
        return judged(read(run("nightly-1", 2), run("nightly-2", 1), *told), "same_pipeline")

    def test_another_digest_in_development(self):
        found = self.of(pipeline_version("development", 21, digest=digest("other")), pipeline_version())
        assert found.status == "missing"
        assert digest("other")[7:19] in found.missing

    def test_development_that_moved_on(self):
        new = pipeline_version("development", 1, digest=digest("newer"))
        assert self.of(pipeline_version("development", 21), pipeline_version(), new).status == "met"

    def test_nothing_known_outside_production(self):
        assert self.of(pipeline_version()).status == "unknown"

    def test_runs_prove_it_too(self):
        assert self.of(run("tried", 30, environment="development", trigger="manual")).status == "met"


def test_practice_of_long_ago_does_not_count():
    assert read(*[run("old", 89.9), run("nightly-2", 90), *LEVEL_1[2:]]).level == 1
    assert read(*[run("old", 90.1), run("older", 91), *LEVEL_1[2:]]).level is None
    yearly = FORM.model_copy(update={"cadence_days": 365.0})
    assert read(*[run("old", 200), run("older", 500), *LEVEL_1[2:]], form=yearly).level == 1


def test_the_next_step_is_to_tell_what_is_not_known_before_doing_anything_new():
    found = read(
        run("nightly-1", 2, metrics=None, data_digest=None), run("nightly-2", 1, data_digest=None), *LEVEL_1[2:]
    )
    assert (status(found, "metadata"), status(found, "new_data")) == ("missing", "unknown")
    assert found.next == "Tell the `data_digest` of every run."


def test_a_run_that_failed_proves_no_validation():
    found = read(run("nightly-1", 2, state="failed"), run("nightly-2", 1, state="failed"), *LEVEL_1[2:])
    assert (found.level, status(found, "data_validation"), status(found, "automatic_trigger")) == (
        None,
        "unknown",
        "met",
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_events_were_told_does_not_matter(seed):
    told = [*LEVEL_1, by_hand("tried", 5), run("nightly-1", 2, id="nightly-1:running", state="running")]
    assert read(*told, shuffle=seed) == read(*told)


def test_of_another_pipeline_nothing_is_known():
    assert automation.of_pipeline(history(*LEVEL_1), "other").level is None
    assert (NOW - timedelta(days=1)).isoformat() == LEVEL_1[1]["at"]


V = version()
LEVEL_2 = [*LEVEL_1, commit(), ci_run(), component("feature_store"), run("answer", 3, trigger="degradation")]
FACTS = {
    "versions": (V,),
    "deployments": (deployment(V),),
    "findings": (finding(),),
    "traffic": (traffic(),),
}


def test_level_2():
    found = read(*LEVEL_2, **FACTS)
    assert (found.level, found.missing, found.next) == (2, (), "")
    assert {one.judged.status.value for one in found.clauses[2]} == {"met"}
    assert automation.of_model(history(*LEVEL_2, **FACTS), MODEL).level == 2


LESS = [
    ("chain", "unknown", {"commits": ()}, "Commit: nothing was told of the commit"),
    ("chain", "missing", {"deployments": (deployment(V, artifact_digest="ab" * 32),)}, "Deployment: deployed is"),
    ("components", "unknown", {"components": ()}, "Feature store: nothing is known"),
    (
        "stages",
        "missing",
        {"deployments": (deployment(V, 15),)},
        "Model continuous delivery: the newest is 15 days",
    ),
    (
        "monitoring_retrains",
        "missing",
        {"turns": (turn(days=2, of="1.1.0"),)},
        "no retraining followed when MON-7 turned to fail",
    ),
]


@pytest.mark.parametrize(("name", "expected", "change", "words"), LESS)
def test_each_clause_alone_keeps_level_2_away(name, expected, change, words):
    found = read(*LEVEL_2, **(FACTS | change))
    assert (found.level, status(found, name)) == (1, expected)
    assert words in judged(found, name).missing
    assert found.next


def test_monitoring_that_never_started_a_run_is_unknown():
    found = read(*LEVEL_2[:-1], **FACTS)
    assert (found.level, status(found, "monitoring_retrains")) == (1, "unknown")
    assert read(*LEVEL_2[:-1], run("answer", 91, trigger="degradation"), **FACTS).level == 1


def test_level_2_needs_level_1():
    found = read(*LEVEL_2[2:], run("nightly-2", 1, stages=STAGES[2:]), **FACTS)
    assert (found.level, status(found, "data_validation")) == (0, "missing")
