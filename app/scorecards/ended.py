"""Findings that counted on an acceptance which has ended: judged anew without it, from what they measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.acceptances.queries import holds
from app.scorecards.facts import CONCLUSIVE, FindingFact
from app.tables import Acceptance, Finding
from checks import discover
from checks.contract import Judgement, Verdict
from checks.methods.acceptance import without

JUDGED = CONCLUSIVE | {Verdict.INCONCLUSIVE}


def judged_anew(
    session: Session, found: Sequence[FindingFact], agreed: Sequence[Acceptance], at: datetime
) -> tuple[FindingFact, ...]:
    """The same findings, those with ended acceptances as they are without; reads nothing where none has ended."""
    ended = {one.test_id for one in agreed if one.kind == "acceptance" and not holds(one, at)}
    ids = [fact.finding_id for fact in found if fact.test_id in ended and fact.verdict in JUDGED]
    if not ids:
        return tuple(found)
    query = select(Finding.id, Finding.measured, Finding.thresholds).where(col(Finding.id).in_(ids))
    known = {finding: (measured, thresholds) for finding, measured, thresholds in session.exec(query)}
    held = {(one.test_id, one.subject) for one in agreed if holds(one, at)}
    return tuple(_judged(fact, *known[fact.id], held) if fact.id in known else fact for fact in found)


def _judged(
    fact: FindingFact, measured: Mapping[str, Any], thresholds: Mapping[str, Any], held: set[tuple[str, str]]
) -> FindingFact:
    ended = tuple(one for one in measured.get("accepted", {}) if (fact.test_id, one) not in held)
    if not ended:
        return fact
    told = f"The acceptance of {', '.join(ended)} has ended since."
    try:
        check = discover()[fact.test_id]
        judged = check.judge(without(ended, measured), {**check.thresholds, **thresholds})
    except Exception as error:  # noqa: BLE001 - such as what an older form of the check measured
        reason = f"It could not be judged without it ({type(error).__name__}: {error})."
        judged = Judgement(Verdict.INCONCLUSIVE, reason, "Run an audit.")
    reason = f"{judged.reason} {told}"
    return replace(fact, verdict=judged.verdict, reason=reason, remedy=judged.remedy, ended=ended)
