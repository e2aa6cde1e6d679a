"""Exceptions that take two people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Acceptances(Connection):
    """Asked for by one, agreed to by another."""

    def request_acceptance(self, model: str, asked: Mapping[str, Any]) -> Body:
        """See ``AcceptanceIn`` for the fields."""
        return self._create(f"models/{model}/acceptances", json=dict(asked))

    def agree(self, acceptance_id: int) -> Body:
        return self._json("POST", f"acceptances/{acceptance_id}/agreement")

    def revoke_acceptance(self, acceptance_id: int, reason: str) -> Body:
        return self._json("POST", f"acceptances/{acceptance_id}/revocation", json={"reason": reason})

    def acceptances(self, model: str) -> list[Body]:
        return self._all(f"models/{model}/acceptances")
