"""What this process counts by itself, and the page of all metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from sqlmodel import Session

from app.config import Settings
from app.metrics.gauges import Stored
from app.metrics.scores import Scores

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One set a running application, so that two in one process do not mix."""

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        self._settings, self._scores = settings, Scores()
        labels = ["method", "route", "status"]
        self._requests = Counter("assay_http_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "assay_http_request_seconds",
            "Time until the answer was sent.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        place = ["model", "environment", "role"]
        self._predictions = Counter(
            "assay_gateway_requests",
            "Prediction requests to a model that serves: answered, refused (not of its signature) or failed.",
            [*place, "outcome"],
            registry=self.registry,
        )
        self._latency = Histogram(
            "assay_gateway_request_seconds",
            "Time until a prediction was ready and logged.",
            place,
            buckets=BUCKETS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is a template, never a path, and ``method`` a known one: labels stay few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def predicted(self, model: str, environment: str, role: str, outcome: str, seconds: float) -> None:
        """Count a prediction request to a model that serves there, which bounds the labels."""
        self._predictions.labels(model, environment, role, outcome).inc()
        if outcome == "answered":
            self._latency.labels(model, environment, role).observe(seconds)

    def render(self, session: Session) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry) + generate_latest(Stored(session, self._settings, self._scores))
