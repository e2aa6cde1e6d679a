"""Prometheus metrics. Counts are this process's own; the gauges are read from the database when asked for."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlmodel import Session, col, func, select

from app.deps import CanRead, ReadSession
from app.tables import Audit, Decision

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One set a running application, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("assay_http_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "assay_http_request_seconds",
            "Time until the answer was sent.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._audits = Gauge("assay_audits", "Audits by status.", ["status"], registry=self.registry)
        self._decisions = Gauge(
            "assay_gate_decisions", "Gate decisions by status.", ["status"], registry=self.registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is a template, never a path, and ``method`` a known one: labels stay few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self, session: Session) -> bytes:
        """All of them in Prometheus' text format."""
        for gauge, table in ((self._audits, Audit), (self._decisions, Decision)):
            gauge.clear()
            status = col(table.status)
            for value, count in session.exec(select(status, func.count()).group_by(status)):
                gauge.labels(value).set(count)
        return generate_latest(self.registry)


router = APIRouter(tags=["operations"])


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
def metrics(request: Request, session: ReadSession, _: CanRead) -> Response:
    return Response(request.app.state.metrics.render(session), media_type=CONTENT_TYPE_LATEST)
