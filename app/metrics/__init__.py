"""Prometheus metrics. Counts are this process's own; everything else is read from the database when asked for."""

from app.metrics.counts import Metrics
from app.metrics.routes import router

__all__ = ["Metrics", "router"]
