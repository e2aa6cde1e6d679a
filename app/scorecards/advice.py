"""Why the score is what it is, and the cheapest tests that would raise it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.scorecards.facts import CONCLUSIVE, Facts, Raise, SectionScore, TestScore
from checks.contract import Verdict
from checks.rubric import BY_ID

EFFORTS = ("run", "evidence", "attest")
"""Cheapest first: run an existing check again, hand evidence in, write an attestation."""


@dataclass(frozen=True)
class _Step:
    """The next thing to do about a test, the score it would reach, and after how many automatic runs."""

    effort: str
    action: str
    reaches: float
    runs: int = 0


def explain(sections: Sequence[SectionScore]) -> str:
    """Which sections hold the score down and where the others stand, in one sentence."""
    lowest = min(section.score for section in sections)
    low = [section.section.value for section in sections if section.score == lowest]
    if len(low) == len(sections):
        return f"The score is the lowest of the four section scores; all four stand at {lowest:g}."
    others = _listed([f"{item.section} {item.score:g}" for item in sections if item.score > lowest])
    if len(low) == 1:
        return f"The score is the lowest of the four section scores: {low[0]} holds it at {lowest:g} ({others})."
    return (
        f"The score is the lowest of the four section scores: {_listed(low)} hold it at {lowest:g} ({others}); "
        "it rises only when each of them does."
    )


def raises(facts: Facts, tests: Sequence[TestScore], sections: Sequence[SectionScore]) -> tuple[Raise, ...]:
    """The tests of the lowest sections that could earn more, cheapest first, then by what they gain."""
    lowest = min(section.score for section in sections)
    limiting = {section.section for section in sections if section.score == lowest}
    next_lowest = min((item.score for item in sections if item.section not in limiting), default=lowest)
    headroom = next_lowest - lowest if len(limiting) == 1 else 0.0
    steps = [(test, step) for test in tests if test.section in limiting and (step := _next_step(facts, test))]
    steps.sort(key=lambda pair: (EFFORTS.index(pair[1].effort), pair[0].score - pair[1].reaches, pair[1].runs))
    return tuple(
        Raise(
            test_id=test.id,
            title=test.title,
            section=test.section,
            effort=step.effort,
            action=step.action,
            gain=step.reaches - test.score,
            score_gain=min(step.reaches - test.score, headroom),
        )
        for test, step in steps
        if step.reaches > test.score
    )


def _next_step(facts: Facts, test: TestScore) -> _Step | None:
    if test.verdict == Verdict.NOT_APPLICABLE:
        return None
    if not test.automated:
        return _Step("attest", "No automated check yet: do it by hand, write down the result and attest it.", 0.5)
    ran = test.newest is not None and test.newest.audit_id is not None
    if ran and test.verdict not in CONCLUSIVE:
        return _Step("evidence", test.remedy or "Look at what stopped the newest run, then run it again.", 1)
    if not ran and BY_ID[test.id].by == "C":
        return _Step("evidence", "Let CI hand in the evidence that this test reads, then run the audit.", 1)
    if test.counted and test.counted.cap:
        return _Step("evidence", f"{test.counted.cap.rstrip('.')}: let CI hand it in for the version's commit.", 1)
    return _rerun(facts, test)


def _rerun(facts: Facts, test: TestScore) -> _Step:
    missing = max(1, 2 - test.runs)
    times = "once more" if test.runs and missing == 1 else ("once", "twice")[missing - 1]
    command = f"assay audit run {facts.model}@{facts.version}"
    return _Step("run", f"Run the audit {times} with CI's identity or on a schedule: {command}", 1, missing)


def _listed(items: Sequence[str]) -> str:
    """In words: "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
