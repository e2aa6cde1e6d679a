"""The newest run of each test, judged by the policy's own thresholds. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from app.gate.terms import Run
from app.scorecards.facts import CONCLUSIVE, AttestationFact, Facts, FindingFact
from checks import discover
from checks.contract import Scope, Verdict
from checks.methods.acceptance import without
from checks.rubric import BY_ID


class Measurement(BaseModel):
    """What one finding measured, the thresholds it was judged by, and whether it is an estimate."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, Any] = {}
    thresholds: dict[str, Any] = {}
    estimated: bool = False


UNMEASURED = Measurement()


def newest_finding(facts: Facts, test_id: str) -> FindingFact | None:
    """The newest finding of a test that bears on ``facts``' version and environment."""
    found = [fact for fact in facts.findings if fact.test_id == test_id and _here(facts, fact)]
    return max(found, key=lambda fact: (fact.at, fact.finding_id), default=None)


def newest_runs(
    facts: Facts,
    test_ids: Iterable[str],
    thresholds: Mapping[str, Mapping[str, Any]],
    measurements: Mapping[int, Measurement],
) -> dict[str, Run]:
    """The newest run of each of ``test_ids`` that has one, by a check or by a person.

    A person's attestation is a run by that person. It does not outweigh a check that failed, though: that takes
    a new run of the check.

    Args:
        thresholds: by test id; what the policy judges by instead of the check's own.
        measurements: by finding id; needed for findings that are judged anew, or may be estimates.
    """
    found = (
        (test_id, _newest_run(facts, test_id, thresholds.get(test_id, {}), measurements)) for test_id in test_ids
    )
    return {test_id: run for test_id, run in found if run is not None}


def _newest_run(
    facts: Facts, test_id: str, thresholds: Mapping[str, Any], measurements: Mapping[int, Measurement]
) -> Run | None:
    finding, attestation = newest_finding(facts, test_id), _newest_attestation(facts, test_id)
    if finding is None:
        return _attested(attestation) if attestation else None
    measured = measurements.get(finding.finding_id, UNMEASURED)
    if finding.ended:
        measured = measured.model_copy(update={"values": without(finding.ended, measured.values)})
    run = _judged_by(thresholds, _found(finding), measured)
    return _outweighing(run, attestation, facts) if attestation else run


def _outweighing(run: Run, attestation: AttestationFact, facts: Facts) -> Run:
    """Which of the two counts; a declaration in force outweighs any run that came to no conclusion."""
    attested = _attested(attestation)
    if attestation.waives and run.verdict not in CONCLUSIVE and facts.as_of < attestation.expires_at:
        return attested
    if attested.at < run.at:
        return run
    return run if run.verdict is Verdict.FAIL and attested.verdict is not Verdict.FAIL else attested


def _newest_attestation(facts: Facts, test_id: str) -> AttestationFact | None:
    found = [fact for fact in facts.attestations if fact.test_id == test_id and _here(facts, fact)]
    return max(found, key=lambda fact: (fact.at, fact.attestation_id), default=None)


def _here(facts: Facts, fact: FindingFact | AttestationFact) -> bool:
    """Evidence of this version or, for a test of the system, of this environment; none from the future."""
    if fact.at > facts.as_of:
        return False
    if BY_ID[fact.test_id].scope is Scope.VERSION:
        return fact.version == facts.version
    return facts.environment in {None, fact.environment}


def _found(fact: FindingFact) -> Run:
    return Run(fact.test_id, fact.verdict, fact.at, f"audit {fact.audit_id}", fact.reason, fact.remedy)


def _attested(fact: AttestationFact) -> Run:
    source = f"attestation {fact.attestation_id} by {fact.person}"
    if fact.waives:
        source = f"acceptance {fact.attestation_id} by {fact.person} and {fact.agreed_by}"
    return Run(fact.test_id, fact.result, fact.at, source, fact.what, expires_at=fact.expires_at)


def _judged_by(thresholds: Mapping[str, Any], run: Run, measured: Measurement) -> Run:
    """The run as the policy's thresholds judge it. What was not measured cannot be judged anew."""
    if measured.estimated:
        run = replace(run, estimated=True)
    if not thresholds or not measured.values or run.verdict is Verdict.ERROR:
        return run
    source = f"{run.source}, judged by the policy's {', '.join(sorted(thresholds))}"
    try:
        check = discover()[run.test_id]
        judged = check.judge(measured.values, {**check.thresholds, **measured.thresholds, **thresholds})
    except Exception as error:  # noqa: BLE001 - such as what an older form of the check measured: deny
        reason = f"It could not be judged by them ({type(error).__name__}: {error})."
        return replace(run, verdict=Verdict.ERROR, reason=reason, remedy="Run an audit.", source=source)
    return replace(run, verdict=judged.verdict, reason=judged.reason, remedy=judged.remedy, source=source)


def due_checks(
    facts: Facts, test_ids: Iterable[str], checks: Container[str], undecided: Container[str] = ()
) -> list[str]:
    """Those of ``test_ids`` that ``checks`` can run and that have no completed run inside its window.

    A valid attestation that is newer than any run stands for one. Of tests in ``undecided`` an inconclusive run is
    not enough: what it lacked may have come since.
    """
    due = []
    for test_id in test_ids:
        run = _newest_run(facts, test_id, {}, {})
        open_still = run is not None and run.verdict is Verdict.INCONCLUSIVE and test_id in undecided
        if test_id in checks and (run is None or open_still or _is_due(run, facts)):
            due.append(test_id)
    return due


def _is_due(run: Run, facts: Facts) -> bool:
    if run.expires_at is not None:
        return run.expires_at <= facts.as_of
    return run.verdict is Verdict.ERROR or facts.as_of - run.at > timedelta(days=facts.windows[run.test_id])
