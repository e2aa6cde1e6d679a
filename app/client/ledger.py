"""The practice around models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.client.connection import Body, Connection

BATCH = 500
"""Events a request."""


class Ledger(Connection):
    """Events that tools tell, and what they add up to."""

    def tell(self, events: Sequence[Mapping[str, Any]]) -> list[Body]:
        """How each event was taken, in their order. See ``app.ledger.events`` for the forms."""
        taken: list[Body] = []
        for start in range(0, len(events), BATCH):
            body = {"events": list(events[start : start + BATCH])}
            taken += self._json("POST", "ledger/events", json=body)["events"]
        return taken

    def ledger_events(self, **filters: Any) -> list[Body]:
        """One page, newest first."""
        items: list[Body] = self._json("GET", "ledger/events", params=filters)["items"]
        return items

    def practice(self, team: str | None = None) -> list[Body]:
        """The rows of every model, or of a team's: ``[{model, owner, counts, rows}]``, without their evidence."""
        return self._all("ledger", **({"team": team} if team else {}))

    def ledger(self, model: str, version: str | None = None) -> Body:
        """A model's rows: ``{model, version, as_of, counts, rows}``; without a version, for what serves."""
        return self._json("GET", f"models/{model}/ledger", params={"version": version} if version else {})
