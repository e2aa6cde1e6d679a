"""Conditions of the gate that are excused for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Waivers(Connection):
    """Asked for by one, approved by another."""

    def request_waiver(self, model: str, asked: Mapping[str, Any]) -> Body:
        """See ``WaiverIn`` for the fields."""
        return self._create(f"models/{model}/waivers", json=dict(asked))

    def approve_waiver(self, waiver_id: int) -> Body:
        return self._json("POST", f"waivers/{waiver_id}/approval")

    def revoke_waiver(self, waiver_id: int, reason: str) -> Body:
        return self._json("POST", f"waivers/{waiver_id}/revocation", json={"reason": reason})

    def waivers(self, model: str) -> list[Body]:
        return self._all(f"models/{model}/waivers")
