"""The audit log, and trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.client.connection import Body, Connection

PAGE = "200"


class AuditLog(Connection):
    """Who changed what."""

    def audit_log(self, **filters: str) -> Iterator[Body]:
        """Entries, newest first, page by page. ``filters``: since, actor, action."""
        cursor: dict[str, str] = {}
        while True:
            page = self._json("GET", "audit-log", params={**filters, "limit": PAGE, **cursor})
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}


class Trusts(Connection):
    """Pipelines that get in without a secret."""

    def trust(self, trust: Mapping[str, Any]) -> Body:
        """Let a pipeline in; see ``TrustIn`` for the fields."""
        return self._create("trusts", json=dict(trust))

    def trusts(self) -> list[Body]:
        """Newest first, revoked ones too."""
        return self._all("trusts")

    def revoke_trust(self, trust_id: int) -> None:
        self._send("DELETE", f"trusts/{trust_id}")
