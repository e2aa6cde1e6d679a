"""What waivers do to an answer. Pure. They excuse single conditions and hide nothing."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.gate.policy import overall
from app.gate.terms import Condition, Outcome, Status

ALWAYS = frozenset({"audit", "evaluation", "retired"})
"""Conditions that no policy asks for, so that none lets them be excused."""


class WaiverFact(BaseModel):
    """A waiver that held when the decision was made."""

    model_config = ConfigDict(frozen=True)

    waiver: int
    condition: str
    requested_by: str
    approved_by: str
    expires_at: datetime
    reason: str


def waived(outcome: Outcome, waivers: Iterable[WaiverFact], never: Container[str]) -> Outcome:
    """The answer with ``waivers``. Each condition keeps its own status; of several waivers the longest counts.

    Where no enforced condition passes by itself nothing was shown, so waivers change nothing in the answer.
    """
    longest = {fact.condition: fact for fact in sorted(waivers, key=lambda fact: fact.expires_at)}
    found = tuple(
        replace(c, waived_by=longest[c.name].model_dump(mode="json", exclude={"condition"}))
        if c.name in longest and _excusable(c, never)
        else c
        for c in outcome.conditions
    )
    enforced = [condition for condition in found if condition.enforced]
    if not any(condition.status is Status.PASS for condition in enforced):
        return replace(outcome, conditions=found)
    return Outcome(overall(Status.PASS if c.waived_by else c.status for c in enforced), found)


def _excusable(condition: Condition, never: Container[str]) -> bool:
    broken = condition.name in ALWAYS or condition.threshold == "evaluated"
    return condition.enforced and condition.status is not Status.PASS and not broken and condition.name not in never


def last_moment(outcome: Outcome) -> datetime | None:
    """Until when the waivers that the answer rests on hold; None when it rests on none."""
    ends = [datetime.fromisoformat(c.waived_by["expires_at"]) for c in outcome.conditions if c.waived_by]
    return min(ends, default=None)
