"""INFRA-2: the unit tests of the model's own specification, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import TestCase, UnitTests

KINDS = {
    "random_input": "random input runs",
    "loss_decreases": "a few steps lower the loss",
    "overfits_tiny": "overfits a tiny set",
    "save_load": "save and load predict alike",
}
FAULTY = ("failed", "error")
MOST_TOLD = 5


class SpecUnitTests(Check):
    """Model specs are unit tested.

    Asked: the code that specifies the model is unit tested, both its API and its algorithm: random input goes
    through, a few steps of training lower the loss, a tiny set can be learned by heart, and a model saved and
    loaded again predicts alike.

    Measured: the cases of the JUnit report handed in for the version's commit. A case belongs to the kinds it is
    tagged with: ``random_input``, ``loss_decreases``, ``overfits_tiny``, ``save_load``.

    Formula: counts. The test passes when each of the four kinds has at least ``min_passed_each`` passed case and
    at most ``max_failed`` cases of the whole report failed or ended in an error. It fails when a case failed,
    tagged or not, or when some kinds were tested and others were not; a kind whose cases were all skipped was
    not tested. Where nothing failed and no tagged case ran at all, it is inconclusive: the report shows neither
    that the specification is tested nor that it is not.

    Source: Breck et al. 2017, section IV, test Infra 2. The four kinds as tags are Assay's interpretation.

    Evidence: a JUnit XML report under ``evidence`` in the manifest or by ``assay evidence push``. With pytest a
    test declares its kind by ``record_property("assay", "save_load")``.

    Fix: run the named case locally and repair it, or write the missing kind. In scikit-learn, "a few steps lower
    the loss" is a fit with few iterations against one with more.
    """

    id = "INFRA-2"
    thresholds: ClassVar[Thresholds] = {"min_passed_each": 1, "max_failed": 0}

    def measure(self, tests: UnitTests) -> Measurement:
        faulty = [case for case in tests.cases if case.outcome in FAULTY]
        values = {
            "cases": len(tests.cases),
            "faulty": [{"name": case.name, "outcome": case.outcome} for case in faulty],
            "kinds": {kind: _outcomes(tests.cases, kind) for kind in KINDS},
        }
        rows = [(case.name, case.outcome, " ".join(case.tags), case.message[:200]) for case in tests.cases]
        return Measurement(values, (Exhibit.table("cases.csv", ("case", "outcome", "tags", "message"), rows),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        cases, faulty, kinds = measured["cases"], measured["faulty"], measured["kinds"]
        if len(faulty) > thresholds["max_failed"]:
            told = ", ".join(f"{case['name']} ({case['outcome']})" for case in faulty[:MOST_TOLD])
            more = f" and {len(faulty) - MOST_TOLD} more" if len(faulty) > MOST_TOLD else ""
            reason = f"{len(faulty)} of {cases} cases failed: {told}{more}."
            return Judgement(Verdict.FAIL, reason, "Run the named cases locally and repair them.")
        if not any(outcome != "skipped" for outcomes in kinds.values() for outcome in outcomes):
            reason = f"Of the {cases} cases reported none that is tagged with a kind of specification test ran."
            return Judgement(Verdict.INCONCLUSIVE, reason, f"Tag the cases that test one of: {', '.join(KINDS)}.")
        least = thresholds["min_passed_each"]
        short = [kind for kind in KINDS if kinds[kind].get("passed", 0) < least]
        if short:
            told = "; ".join(f"{kind} ({KINDS[kind]}): {_told(kinds[kind])}" for kind in short)
            return Judgement(
                Verdict.FAIL, f"Kinds with fewer than {least} passed cases: {told}.", "Write these tests."
            )
        passed = ", ".join(f"{kind} {kinds[kind].get('passed', 0)}" for kind in KINDS)
        reason = f"All four kinds of specification test passed ({passed}); {len(faulty)} of {cases} cases failed."
        return Judgement(Verdict.PASS, reason)


def _outcomes(cases: Sequence[TestCase], kind: str) -> dict[str, int]:
    return dict(Counter(case.outcome for case in cases if kind in case.tags))


def _told(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "no case"
