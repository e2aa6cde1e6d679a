"""People who approve versions."""

from __future__ import annotations

from typing import Any

from app.client.connection import Body, Connection


class Approvals(Connection):
    """Given where the policy asks for them, and taken back."""

    def give_approval(self, model: str, version: str, **given: Any) -> Body:
        """``given``: environment, comment, stage, digest."""
        return self._create(f"models/{model}/versions/{version}/approvals", json=given)

    def revoke_approval(self, approval_id: int, reason: str) -> Body:
        return self._json("POST", f"approvals/{approval_id}/revocation", json={"reason": reason})

    def approvals(self, model: str, **filters: str) -> list[Body]:
        """``filters``: version."""
        return self._all(f"models/{model}/approvals", **filters)
