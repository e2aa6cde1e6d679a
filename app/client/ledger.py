"""The practice around models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.client.connection import Body, Connection


class Ledger(Connection):
    """Events that tools tell, and what they add up to."""

    def tell(self, events: Sequence[Mapping[str, Any]]) -> list[Body]:
        """How each of at most 1,000 events was taken, in their order. See ``app.ledger.events`` for the forms."""
        answer = self._json("POST", "ledger/events", json={"events": list(events)})
        taken: list[Body] = answer["events"]
        return taken

    def ledger_events(self, **filters: Any) -> list[Body]:
        """One page, newest first."""
        items: list[Body] = self._json("GET", "ledger/events", params=filters)["items"]
        return items

    def ledger(self, model: str, version: str | None = None) -> Body:
        """A model's rows: ``{model, version, as_of, counts, rows}``; without a version, for what serves."""
        return self._json("GET", f"models/{model}/ledger", params={"version": version} if version else {})
