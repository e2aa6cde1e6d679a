"""What a change of policy would mean, over HTTP. Nothing is stored."""

from __future__ import annotations

from fastapi import APIRouter

from app.deps import CanRead, ReadSession
from app.gate.changes import comparison, trial
from app.gate.changes.schemas import ComparisonIn, ComparisonOut, TrialIn, TrialOut
from app.http.problems import problems

router = APIRouter(tags=["gate"])


@router.post(
    "/policy-trials", summary="Which past decisions would policies have changed?", responses=problems(404, 422)
)
def try_policies(asked: TrialIn, session: ReadSession, _: CanRead) -> TrialOut:
    """Replays stored decisions; nothing is kept. Each is bound by the policies that are given and, where none is
    given, by those of its time. What a decision kept no facts about is `unknown`, never guessed.
    """
    return trial.tried(session, asked)


@router.post(
    "/policy-comparisons", summary="What does one policy ask for and another not?", responses=problems(404, 422)
)
def compare_policies(given: ComparisonIn, session: ReadSession, _: CanRead) -> ComparisonOut:
    """Two versions, a file and what is in force, or all that binds two models, risk tiers or stages. Tells also for
    what a file would be refused because it loosens the organisation's floor. Nothing is kept.
    """
    return comparison.compared(session, given)
