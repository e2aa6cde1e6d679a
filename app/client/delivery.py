"""How models are delivered, and experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.client.connection import Body, Connection


class Delivery(Connection):
    """The four delivery metrics; the best of experiments, and how two differ."""

    def delivery_metrics(
        self, model: str | None = None, *, team: str | None = None, days: Sequence[int] = ()
    ) -> Body:
        """Of a model; without one of a team, or of the fleet. ``days``: lengths of the windows."""
        path = "delivery-metrics" if model is None else f"models/{model}/delivery-metrics"
        asked: dict[str, Any] = {"team": team, "days": list(days)}
        return self._json("GET", path, params={key: value for key, value in asked.items() if value})

    def experiments(self, pipeline: str, evaluation: str | None = None) -> Body:
        """The best run of each branch; ``evaluation``: digest of the data on which they were measured."""
        params = {"evaluation": evaluation} if evaluation else {}
        return self._json("GET", f"pipelines/{pipeline}/experiments", params=params)

    def experiments_diff(self, pipeline: str, one: str, other: str) -> Body:
        """What is different between two runs."""
        return self._json("GET", f"pipelines/{pipeline}/experiments/diff", params={"one": one, "other": other})
