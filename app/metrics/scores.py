"""Scores for the metrics: each costs several statements, so a page computes only as many as there is time for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from sqlmodel import Session

from app.scorecards.facts import Scorecard
from app.scorecards.service import scorecard
from app.tables import Model, Version

BUDGET_SECONDS = 0.3


class Scores:
    """Scorecards of newest versions, those that were computed longest ago anew in each round.

    A fleet that can be scored within the budget is always fresh; a larger one after a few rounds.
    """

    def __init__(self, budget: float = BUDGET_SECONDS) -> None:
        self._budget = budget
        self._known: dict[str, tuple[float, Scorecard]] = {}
        self._computing = threading.Lock()

    def refresh(self, session: Session, newest: Mapping[str, int]) -> Mapping[str, Scorecard]:
        """The scorecards known by now, by model. ``newest``: the id of each model's newest version."""
        if self._computing.acquire(blocking=False):
            try:
                self._compute(session, newest)
            finally:
                self._computing.release()
        return {name: self._known[name][1] for name in newest if name in self._known}

    def _compute(self, session: Session, newest: Mapping[str, int]) -> None:
        end = time.monotonic() + self._budget
        for name in sorted(newest, key=lambda one: self._known[one][0] if one in self._known else 0.0):
            version = session.get_one(Version, newest[name])
            card = scorecard(session, session.get_one(Model, version.model_id), version)
            self._known[name] = (time.monotonic(), card)
            if time.monotonic() > end:
                return
