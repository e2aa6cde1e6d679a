"""Endpoints of models and how available they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Uptime(Connection):
    """Addresses under which models are reached."""

    def add_endpoint(self, model: str, endpoint: Mapping[str, Any]) -> Body:
        """Ask an address from now on; see ``EndpointIn`` for the fields."""
        return self._create(f"models/{model}/endpoints", json=dict(endpoint))

    def endpoints(self, model: str, *, removed: bool = False) -> list[Body]:
        """A model's endpoints as they are now."""
        return self._all(f"models/{model}/endpoints", **({"removed": "true"} if removed else {}))

    def uptime(self, endpoint_id: int) -> Body:
        """``{endpoint, windows, history}``: availability, latency and outages over 24h, 7d and 30d."""
        return self._json("GET", f"endpoints/{endpoint_id}")

    def remove_endpoint(self, endpoint_id: int) -> None:
        self._send("DELETE", f"endpoints/{endpoint_id}")
