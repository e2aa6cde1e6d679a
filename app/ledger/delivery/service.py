"""The delivery metrics of stored models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.catalog.queries import find_model
from app.db import database_now
from app.ledger import facts, queries
from app.ledger.reading.delivery.metrics import DeliveryMetrics, delivery_metrics
from app.ledger.reading.delivery.periods import WINDOWS, Every
from app.ledger.reading.products import Fleet, fleet

PARTS = (
    "deployments",
    "decisions",
    "turns",
    "watched",
    "outages",
    "commits",
    "runs",
    "registered_versions",
    "ab_tests",
    "incidents",
)
"""Of a history: what the metrics are computed from."""


@dataclass(frozen=True)
class Asked:
    """Windows of so many ``days`` that end ``as_of`` (None: now), and a trend by week or month."""

    days: tuple[int, ...] = WINDOWS
    every: Every = "week"
    as_of: datetime | None = None


def of_model(session: Session, name: str, asked: Asked) -> DeliveryMetrics:
    """Raises NotFound, naming the nearest model."""
    model = find_model(session, name)
    history = facts.of_models(session, [model], asked.as_of or database_now(session), PARTS)
    return delivery_metrics(history, asked.days, asked.every, detailed=True)


def of_fleet(session: Session, team: str | None, asked: Asked) -> DeliveryMetrics:
    """Of all models, or of a team's. Raises NotFound, naming the nearest team."""
    models = queries.models(session, team)
    history = facts.of_models(session, models, asked.as_of or database_now(session), PARTS)
    return delivery_metrics(history, asked.days, asked.every)


def products(session: Session, team: str | None = None, as_of: datetime | None = None) -> Fleet:
    """How all models, or a team's, reach products. Raises NotFound, naming the nearest team."""
    models = queries.models(session, team)
    return fleet(facts.of_models(session, models, as_of or database_now(session), ("deployments", "traffic")))
