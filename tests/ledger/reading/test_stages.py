"""The six stages: output there, fresh, linked; and each without one of these."""

from datetime import timedelta

import pytest

from app.ledger.reading import stages
from tests.ledger.reading.planted import (
    FORM,
    NOW,
    OTHER_COMMIT,
    PIPELINE,
    ago,
    ci_run,
    commit,
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

V = version()
TOLD = {"commit": commit(), "ci_run": ci_run(), "delivery": pipeline_version(), "run": run()}
FACTS = {
    "versions": (V,),
    "deployments": (deployment(V),),
    "findings": (finding(),),
    "traffic": (traffic(),),
}


def read(seed=None, form=FORM, more=(), **changes):
    told = [one for key, one in (TOLD | {k: v for k, v in changes.items() if k in TOLD}).items() if one is not None]
    facts = FACTS | {key: value for key, value in changes.items() if key not in TOLD}
    return stages.of_pipeline(history(*told, *more, shuffle=seed, form=form, **facts), PIPELINE)


def test_six_fresh_outputs_each_of_the_stage_before():
    found = read()
    assert [one.number for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one.judged.status.value for one in found] == ["met"] * 6
    assert {one.fresh for one in found} == {True}
    assert all(one.output and one.at and one.judged.proofs[0].text == one.output for one in found)


def test_nothing_told_is_unknown():
    found = stages.of_pipeline(history(), PIPELINE)
    assert [one.judged.status.value for one in found] == ["unknown"] * 6
    assert {(one.output, one.fresh, one.linked.value) for one in found} == {(None, None, "unknown")}
    assert all(one.judged.missing and one.judged.remedy for one in found)


CHANGED = [
    (1, "unknown", {"commit": None}, "no commit"),
    (2, "unknown", {"commit": commit(OTHER_COMMIT)}, "nothing was told of the commit"),
    (2, "unknown", {"ci_run": ci_run(packages=None)}, "no CI run is known that built packages"),
    (2, "unknown", {"ci_run": ci_run(state="failed")}, "no CI run is known that built packages"),
    (3, "unknown", {"delivery": None}, "no pipeline is known to have been delivered"),
    (3, "missing", {"delivery": pipeline_version(packages=[digest("smuggled")])}, "no CI run built its package"),
    (3, "unknown", {"delivery": pipeline_version(packages=None)}, "does not say which packages"),
    (3, "unknown", {"ci_run": None}, "no CI run built its package"),
    (4, "unknown", {"run": None}, "tied to no run"),
    (4, "missing", {"run": run(trigger="manual")}, "a person started run nightly-2"),
    (4, "unknown", {"run": run(trigger=None)}, "does not say what started it"),
    (4, "missing", {"run": run(pipeline_digest=digest("other"))}, "which was never delivered"),
    (4, "unknown", {"run": run(pipeline_digest=None)}, "which delivered pipeline ran"),
    (4, "unknown", {"versions": (), "deployments": (), "findings": ()}, "no registered version"),
    (5, "unknown", {"deployments": (), "findings": ()}, "no deployment is known"),
    (5, "missing", {"deployments": (deployment(V, ended_at=NOW),)}, "nothing serves any more"),
    (5, "unknown", {"run": None}, "tied to no run"),
    (6, "unknown", {"findings": ()}, "1000 predictions in production, none of them judged by MON-7"),
    (6, "unknown", {"findings": (finding(verdict="inconclusive"),)}, "none of them judged"),
    (6, "unknown", {"findings": (finding(environment="staging"),)}, "none of them judged"),
    (6, "unknown", {"deployments": ()}, "nothing serves"),
    (6, "missing", {"turns": (turn(of="1.1.0"),)}, "no retraining followed when MON-7 turned to fail"),
]


@pytest.mark.parametrize(("number", "status", "change", "words"), CHANGED)
def test_what_keeps_a_stage_from_being_met(number, status, change, words):
    found = read(**change)[number - 1]
    assert found.judged.status == status
    assert words in found.judged.missing
    assert found.judged.remedy


def test_what_was_found_of_a_version_before_is_no_output_of_what_serves():
    old = version("1.0.0", 20, id=1)
    found = read(versions=(old, V), deployments=(deployment(V),), findings=(finding(of="1.0.0"),))[5]
    assert (found.judged.status, found.linked) == ("missing", "missing")
    assert "1.1.0 serves" in found.judged.missing


def test_an_alarm_that_a_retraining_answered():
    answered = run("answer", 2.5, trigger="degradation")
    assert read(turns=(turn(of="1.1.0"),), more=[answered])[5].judged.status == "met"
    early = run("early", 3.5, trigger="degradation")
    assert read(turns=(turn(of="1.1.0"),), more=[early])[5].judged.status == "missing"
    assert read(turns=(turn(of="1.1.0", days=1.0),))[5].judged.status == "met"
    assert read(turns=(turn("MON-1", of="1.1.0"),))[5].judged.status == "met"


def test_a_registry_may_tell_of_the_newest_model():
    told = {
        "kind": "registered_version",
        "id": "1",
        "at": ago(0.5),
        "registry": "mlflow",
        "model": "credit-default",
    }
    told |= {"name": "credit", "number": "3", "run": "nightly-2"}
    found = read(more=[told])[3]
    assert (found.output, found.judged.status) == ("credit 3 in mlflow", "met")
    assert read(more=[told | {"run": "unheard-of"}])[3].judged.status == "met"  # that is no run of this pipeline


class TestFreshness:
    def limits(self, **more):
        return [one.limit_days for one in read(**more)]

    def test_code_is_fresh_for_ninety_days_and_models_for_two_cadences(self):
        assert self.limits() == [90, 90, 90, 14, 14, 14]

    def test_without_a_cadence_thirty_days(self):
        assert self.limits(form=FORM.model_copy(update={"cadence_days": None})) == [90, 90, 90, 30, 30, 30]
        assert self.limits(form=None) == [90, 90, 90, 30, 30, 30]

    def test_a_schedule_is_a_cadence(self):
        form = FORM.model_copy(update={"cadence_days": None, "schedule": "0 2 * * *"})
        assert self.limits(form=form)[3:] == [2, 2, 2]

    def test_a_slow_cadence_holds_for_code_too(self):
        assert self.limits(form=FORM.model_copy(update={"cadence_days": 100})) == [200] * 6

    @pytest.mark.parametrize(("days", "status"), [(90.0, "met"), (90.1, "missing")])
    def test_code(self, days, status):
        found = read(commit=commit(days=days))[0]
        assert (found.judged.status, found.fresh) == (status, status == "met")
        assert status == "met" or "90 days old, 90 are allowed" in found.judged.missing

    @pytest.mark.parametrize(("days", "status"), [(14.0, "met"), (14.1, "missing")])
    def test_models(self, days, status):
        at = NOW - timedelta(days=days)
        assert read(versions=(version(created_at=at),))[3].judged.status == status
        assert read(deployments=(deployment(V, days),))[4].judged.status == status
        assert read(findings=(finding(days=days),))[5].judged.status == status


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_events_were_told_does_not_matter(seed):
    more = [
        commit(OTHER_COMMIT, 40),
        ci_run("ci-0", 40, commit=OTHER_COMMIT),
        run("nightly-1", 2),
        pipeline_version("dev", 30),
    ]
    assert read(seed=seed, more=more) == read(more=more)
