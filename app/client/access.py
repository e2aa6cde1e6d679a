"""The audit log."""

from __future__ import annotations

from collections.abc import Iterator

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
