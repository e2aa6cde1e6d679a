"""The triple on every deployment, and reasons for versions that fit, do not fit, or cannot be confirmed."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from app.catalog.manifest import ChangeReason
from app.ledger.history import DeploymentFact, ValidationFact
from app.ledger.reading import changes, versioning
from tests.ledger.reading.planted import (
    A_MODEL,
    MANIFEST,
    MODEL,
    NOW,
    OTHER_COMMIT,
    PIPELINE,
    ago,
    by_hand,
    deployment,
    digest,
    finding,
    history,
    run,
    turn,
    version,
)

FIRST = version("1.0.0", 20, id=1, change_reason="initial", data={"train": "aa" * 32, "test": "ee" * 32})


def next_version(reason, **more):
    """A version that is the first one in all that is recorded, but for ``more``."""
    same = {"data": FIRST.data, "artifact_digest": FIRST.artifact_digest, "change_reason": reason}
    return version("1.1.0", 1, id=2, **(same | more))


def change(after, *told, earlier=(), **facts):
    known = history(*told, versions=(*earlier, FIRST, after), **facts)
    return versioning.of_model(known, MODEL).changes[0]


def manifest(part, **more):
    return MANIFEST | {part: MANIFEST[part] | more}


class TestTriples:
    def read(self, *deployments, told=(), of=None):
        known = history(*told, versions=(FIRST, *(of or [version()])), deployments=deployments)
        return versioning.of_model(known, MODEL)

    def test_code_data_and_model_of_every_deployment(self):
        of = version()
        found = self.read(deployment(FIRST, 19, ended_at=NOW), deployment(of))
        assert [(one.version, one.live, one.gaps) for one in found.triples] == [
            ("1.1.0", True, ()),
            ("1.0.0", False, ()),
        ]
        assert (found.triples[0].commit, found.triples[0].data_digest) == (of.commit, of.data["train"])
        assert found.triples_judged.status == "met"

    @pytest.mark.parametrize(("field", "value", "gap"), [("commit", None, "commit"), ("data", {}, "data digest")])
    def test_a_gap_is_named(self, field, value, gap):
        of = version(**{field: value})
        found = self.read(deployment(of), of=[of])
        assert found.triples[0].gaps == (gap,)
        assert found.triples_judged.status == "missing"
        assert found.triples_judged.missing == f"1.1.0 in production has no {gap}"

    def test_its_run_fills_a_gap(self):
        of = version(commit=None, data={})
        found = self.read(deployment(of), of=[of], told=[run()])
        assert (found.triples[0].gaps, found.triples[0].data_digest) == ((), digest("data of nightly-2"))

    def test_without_a_deployment_nothing_is_known(self):
        assert self.read().triples_judged.status == "unknown"

    def test_a_gap_of_long_ago_is_shown_and_does_not_count(self):
        old = version("0.9.0", 200, id=9, commit=None)
        ended = {"ended_at": NOW - timedelta(days=95)}
        found = self.read(deployment(old, 91, **ended), deployment(version()), of=[old, version()])
        assert (found.triples[1].gaps, found.triples_judged.status) == (("commit",), "met")
        found = self.read(deployment(old, 90, **ended), deployment(version()), of=[old, version()])
        assert found.triples_judged.status == "missing"
        found = self.read(deployment(old, 91), deployment(version()), of=[old, version()])
        assert found.triples_judged.status == "missing"


NEW_DATA = {"data": FIRST.data | {"train": "bb" * 32}}
OTHER_FEATURES = {"manifest": manifest("model") | {"features": [{"name": "income", "type": "number"}]}}
USED_BY = {"manifest": manifest("model", users="Web shop")}
MOVED = {"manifest": manifest("data", train={"ref": "lake/b.parquet"}, test={"path": "test.parquet"})}
TUNED = {"manifest": manifest("version", tunables={"depth": 9})}

FITS = [
    ("new_data", NEW_DATA),
    ("new_approach", {"commit": OTHER_COMMIT}),
    ("new_approach", {"pipeline": "other-training"}),
    ("new_approach", {"model_class": "sklearn.linear_model.LogisticRegression"}),
    ("new_approach", OTHER_FEATURES),
    ("new_approach", TUNED),
    ("new_feature", USED_BY),
    ("new_feature", OTHER_FEATURES),
    ("data_location", {"manifest": manifest("model", owner="data office")}),
]


@pytest.mark.parametrize(("reason", "more"), FITS)
def test_a_reason_that_fits_what_changed(reason, more):
    found = change(next_version(reason, **more))
    assert (found.before, found.judged.status) == ("1.0.0", "met")
    assert found.changed
    assert any(words in found.judged.proofs[0].text for words in found.changed)


MISMATCHES = [
    (
        "new_data",
        {"commit": OTHER_COMMIT},
        "the training data has the same digest; what changed: commit (c0ffee0 to",
    ),
    ("new_data", {}, "what changed: nothing that is recorded"),
    ("new_approach", NEW_DATA, "what changed: train data (aaaaaaaaaaaa to bbbbbbbbbbbb)"),
    ("new_feature", TUNED, "what changed: tunables (depth)"),
    ("data_location", NEW_DATA, "what changed: train data"),
    ("initial", NEW_DATA, "but 1.0.0 was before it; what changed: train data"),
    ("rollback", {"artifact_digest": "cc" * 32}, "its artifact is that of no earlier version"),
]


@pytest.mark.parametrize(("reason", "more", "words"), MISMATCHES)
def test_a_mismatch_says_what_really_changed(reason, more, words):
    found = change(next_version(reason, **more))
    assert found.judged.status == "missing"
    assert words in found.judged.missing
    assert found.judged.remedy


def test_a_first_version_is_the_initial_one():
    known = history(versions=(FIRST,))
    assert versioning.of_model(known, MODEL).changes[0].judged.status == "met"
    odd = replace(FIRST, change_reason="new_data")
    found = versioning.of_model(history(versions=(odd,)), MODEL).changes[0]
    assert (found.before, found.judged.status) == (None, "unknown")


def test_new_data_without_digests_cannot_be_confirmed():
    assert change(next_version("new_data", data={})).judged.status == "unknown"


class TestDegradedAccuracy:
    AFTER = next_version("degraded_accuracy", **NEW_DATA)

    def test_nothing_known(self):
        assert change(self.AFTER).judged.status == "unknown"

    @pytest.mark.parametrize(("days", "status"), [(1, "met"), (20, "met"), (0.9, "unknown"), (20.1, "unknown")])
    def test_a_failure_between_the_two_versions(self, days, status):
        assert change(self.AFTER, turns=(turn(days=days),)).judged.status == status

    def test_a_failure_of_something_else(self):
        assert change(self.AFTER, turns=(turn("MON-6"),)).judged.status == "unknown"
        assert change(self.AFTER, turns=(turn(after="pass"),)).judged.status == "unknown"

    def test_a_finding_an_incident_or_an_ab_test(self):
        failed = finding(verdict="fail", days=3, of="1.0.0")
        assert change(self.AFTER, findings=(failed,)).judged.status == "met"
        found = change(self.AFTER, incident(metric="precision")).judged
        assert (found.status, found.proofs[0].text) == ("met", "1.1.0: incident INC-1 (precision)")

    def test_a_test_that_could_not_tell_speaks_neither_for_nor_against(self):
        blind = finding(verdict="inconclusive", days=3, of="1.0.0")
        assert change(self.AFTER, findings=(blind,)).judged.status == "unknown"

    def test_quality_that_was_found_to_hold(self):
        found = change(self.AFTER, findings=(finding(verdict="pass", days=3, of="1.0.0"),)).judged
        assert found.status == "missing"
        assert "MON-7 found no loss before it; what changed: train data" in found.missing


def test_a_rollback_has_the_artifact_of_an_earlier_version():
    older = version("0.9.0", 40, id=9, artifact_digest="dd" * 32)
    back = next_version("rollback", artifact_digest="dd" * 32)
    assert change(back, earlier=(older,)).judged.status == "met"
    assert change(next_version("rollback"), earlier=(older,)).judged.status == "missing"
    assert change(next_version("rollback", artifact_digest=None)).judged.status == "unknown"


def incident(**more):
    told = {"kind": "incident", "id": "1", "incident": "INC-1", "model": MODEL, "at": ago(3)}
    return told | {"environment": "production", "state": "opened"} | more


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], "unknown"),
        ([incident()], "unknown"),  # nobody said what it was
        ([incident(attack=True)], "met"),
        ([incident(attack=False)], "missing"),
        ([incident(attack=False), incident(id="2", incident="INC-2", attack=True)], "met"),
        ([incident(attack=True, at=ago(30))], "unknown"),  # before the version before
        ([incident(attack=True, at=ago(0.1))], "unknown"),  # after the version
    ],
)
def test_an_attack_is_told_as_one(told, status):
    assert change(next_version("attack"), *told).judged.status == status


def validation(outcome, days=3.0):
    return ValidationFact(MODEL, "1.0.0", "grace", outcome, NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], "unknown"),
        ([validation("rejected")], "met"),
        ([validation("approved_with_conditions")], "met"),
        ([validation("approved")], "missing"),
        ([validation("rejected", days=0.1)], "unknown"),  # after the version
    ],
)
def test_compliance_is_a_validation_that_asked_for_something(told, status):
    found = change(next_version("compliance", **NEW_DATA), validations=tuple(told)).judged
    assert found.status == status
    assert status != "met" or found.proofs[0].text.startswith("1.1.0: grace found 1.0.0")


@pytest.mark.parametrize(
    ("told", "more", "status", "words"),
    [
        ([run()], NEW_DATA, "met", ""),
        ([run(trigger="new_data")], {}, "met", ""),
        ([], NEW_DATA, "unknown", "what started the run that made it is not known"),
        ([run(trigger="unknown")], NEW_DATA, "unknown", "what started the run"),
        ([by_hand("nightly-2")], NEW_DATA, "missing", "run nightly-2 was started manual"),
        ([run()], TUNED, "missing", "somebody changed the approach; what changed: tunables (depth)"),
    ],
)
def test_a_model_that_learns_by_itself_is_started_by_nobody(told, more, status, words):
    found = change(next_version("self_learning", **more), *told).judged
    assert found.status == status
    assert words in found.missing


def test_data_that_moved():
    before = replace(FIRST, manifest=manifest("data", train={"ref": "lake/a.parquet"}))
    after = next_version("data_location", **MOVED)
    found = versioning.of_model(history(versions=(before, after)), MODEL).changes[0]
    assert (found.judged.status, found.changed) == ("met", ("data location",))


def test_every_reason_has_a_rule():
    assert set(changes.REASONS) == set(ChangeReason.__args__)


def test_a_mismatch_of_long_ago_does_not_count():
    old = version("1.0.1", 91, id=3, change_reason="initial")
    first = replace(FIRST, created_at=NOW - timedelta(days=95))
    good = next_version("new_data", data={"train": "cc" * 32})
    found = versioning.of_model(history(versions=(first, old, good)), MODEL)
    assert [one.judged.status.value for one in found.changes] == ["met", "missing", "met"]
    assert found.changes_judged.status == "met"
    serving = versioning.of_model(history(versions=(first, old, good), deployments=(deployment(old),)), MODEL)
    assert serving.changes_judged.status == "missing"


def test_models_of_one_pipeline_are_not_compared_with_each_other():
    other = replace(version("7.0.0", 1.5, id=7), model="other")
    known = history(versions=(FIRST, other, next_version("new_data", **NEW_DATA)), models=(A_MODEL,))
    found = versioning.of_pipeline(known, PIPELINE)
    assert [(one.model, one.before) for one in found.changes] == [(MODEL, "1.0.0"), ("other", None), (MODEL, None)]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed):
    versions = [FIRST, next_version("new_data", **NEW_DATA), version("1.2.0", 0.5, id=3)]
    deployments: list[DeploymentFact] = [deployment(one, 0.4, f"place-{one.id}") for one in versions]
    mixed = [*versions], [*deployments]
    for rows in mixed:
        random.Random(seed).shuffle(rows)
    in_order = history(versions=tuple(versions), deployments=tuple(deployments))
    other = history(versions=tuple(mixed[0]), deployments=tuple(mixed[1]))
    assert versioning.of_model(other, MODEL) == versioning.of_model(in_order, MODEL)
