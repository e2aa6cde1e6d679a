"""Tools that tell the ledger by webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Connections(Connection):
    """Connections to tools, and their messages."""

    def connect(self, connection: Mapping[str, Any]) -> Body:
        """Let a tool send webhooks; see ``ConnectionIn`` for the fields. ``secret`` is in this answer alone."""
        return self._create("connections", json=dict(connection))

    def connections(self) -> list[Body]:
        """Newest first, removed ones too."""
        return self._all("connections")

    def connection(self, name: str) -> Body:
        return self._json("GET", f"connections/{name}")

    def messages(self, name: str, limit: int = 50, **filters: str) -> list[Body]:
        """The newest that a connection sent. ``filters``: status."""
        items: list[Body] = self._json(
            "GET", f"connections/{name}/messages", params={"limit": str(limit), **filters}
        )["items"]
        return items

    def rotate_connection(self, name: str, overlap_hours: float) -> Body:
        """Another secret, in this answer alone."""
        return self._json("POST", f"connections/{name}/rotate", json={"overlap_hours": overlap_hours})

    def disconnect(self, name: str) -> None:
        self._send("DELETE", f"connections/{name}")
