"""Alerts, subscriptions and dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.client.connection import Body, Connection


class Alerts(Connection):
    """Who is told of what."""

    def alerts(self, **filters: str) -> list[Body]:
        """Newest first. ``filters``: model, event, unacknowledged ("true")."""
        return self._all("alerts", **filters)

    def acknowledge(self, alert_id: int, note: str = "") -> Body:
        """Say that you look after an alert."""
        return self._json("POST", f"alerts/{alert_id}/acknowledge", json={"note": note})

    def alert_deliveries(self, **filters: str) -> list[Body]:
        """``filters``: status (pending, delivered or dead)."""
        return self._all("alert-deliveries", **filters)

    def retry_delivery(self, delivery_id: int) -> Body:
        """Send a dead message again."""
        return self._json("POST", f"alert-deliveries/{delivery_id}/retry")

    def subscribe(self, subscription: Mapping[str, Any]) -> Body:
        """Be told; see ``SubscriptionIn`` for the fields. A webhook's ``secret`` is in this answer alone."""
        return self._create("subscriptions", json=dict(subscription))

    def subscriptions(self) -> list[Body]:
        return self._all("subscriptions")

    def unsubscribe(self, subscription_id: int) -> None:
        self._send("DELETE", f"subscriptions/{subscription_id}")

    def test_subscription(self, subscription_id: int) -> Body:
        """Send a test message; returns its alert, with the delivery to look at."""
        return self._create(f"subscriptions/{subscription_id}/test")

    def push_dependencies(self, model: str, environment: str, fingerprints: Sequence[Mapping[str, str]]) -> Body:
        """Say what a model depends on now, ``{name, kind, fingerprint}`` each: ``{added, changed, unchanged}``."""
        given = [dict(one) for one in fingerprints]
        body = {"model": model, "environment": environment, "fingerprints": given}
        return self._json("POST", "dependencies", json=body)

    def dependencies(self, **filters: str) -> list[Body]:
        """Fingerprints when first seen and whenever they changed. ``filters``: model, environment."""
        return self._all("dependencies", **filters)
