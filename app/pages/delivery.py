"""``/delivery`` and ``/models/{name}/delivery``: the four delivery metrics, their trend and what is behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from app.ledger.delivery import service
from app.ledger.delivery.service import Asked
from app.ledger.reading.delivery.bands import REPORT, TWINS, Twin
from app.ledger.reading.delivery.episodes import Episode
from app.ledger.reading.delivery.metrics import Delivered, DeliveryMetrics, Group
from app.ledger.reading.delivery.periods import WINDOWS, Every
from app.ledger.reading.delivery.rollouts import Rollout
from app.ledger.reading.delivery.telling import Told, tell
from app.ledger.reading.products import Fleet

NEWEST = 30
"""Deployments and episodes that are listed."""


@dataclass(frozen=True)
class Bar:
    """A period of a trend. ``height``: 0 to 1 of the tallest, None where there is no number."""

    period: str
    height: float | None
    text: str


@dataclass(frozen=True)
class MetricView:
    """``windows``: (name, what is told) each."""

    key: str
    twin: Twin
    windows: Sequence[tuple[str, Told]]
    trend: Sequence[Bar]


@dataclass(frozen=True)
class GroupRow:
    """A team or a model, in one window; ``told`` by metric."""

    name: str
    models: int
    told: Mapping[str, Told]


@dataclass(frozen=True)
class DeliveryView:
    """``model``: None for the fleet, whose ``teams`` and ``models`` are in the window of ``days``.

    ``deployments``: with the kinds by which they failed; ``episodes``: the newest first, as are these.
    ``products``: of the fleet, how its models reach them.
    """

    model: str | None
    team: str | None
    days: int
    windows: Sequence[int]
    every: Every
    report: str
    as_of: datetime | None
    metrics: Sequence[MetricView]
    teams: Sequence[GroupRow]
    models: Sequence[GroupRow]
    deployments: Sequence[tuple[Rollout, Sequence[str]]]
    episodes: Sequence[Episode]
    products: Fleet | None = None


def of_fleet(session: Session, team: str | None, days: int, every: Every, as_of: datetime | None) -> DeliveryView:
    """Raises NotFound, naming the nearest team."""
    asked = Asked(_windows(days), every, as_of)
    found = service.of_fleet(session, team, asked)
    products = service.products(session, team, as_of)
    return replace(_view(found, found.fleet, asked, team, days), products=products)


def of_model(session: Session, model: str, every: Every, as_of: datetime | None) -> DeliveryView:
    """Raises NotFound, naming the nearest model."""
    asked = Asked(WINDOWS, every, as_of)
    found = service.of_model(session, model, asked)
    return _view(found, found.models[0], asked, None, WINDOWS[0])


def _windows(days: int) -> tuple[int, ...]:
    return tuple(sorted({*WINDOWS, days}))


def _view(found: DeliveryMetrics, group: Group, asked: Asked, team: str | None, days: int) -> DeliveryView:
    at = asked.days.index(days)
    behind = group.facts
    return DeliveryView(
        model=behind.model if behind else None,
        team=team,
        days=days,
        windows=asked.days,
        every=asked.every,
        report=REPORT,
        as_of=asked.as_of,
        metrics=_metrics(group),
        teams=[] if behind else _rows(found.teams, at),
        models=[] if behind else _rows(found.models, at),
        deployments=_deployments(behind) if behind else [],
        episodes=list(reversed(behind.episodes))[:NEWEST] if behind else [],
    )


def _metrics(group: Group) -> list[MetricView]:
    windows = [(one.period.name, tell(one)) for one in group.windows]
    trend = [(one.period.name, tell(one)) for one in group.trend]
    return [
        MetricView(
            key,
            twin,
            [(name, told[key]) for name, told in windows],
            _bars([(name, told[key]) for name, told in trend]),
        )
        for key, twin in TWINS.items()
    ]


def _bars(told: Sequence[tuple[str, Told]]) -> list[Bar]:
    tallest = max((one.size for _, one in told if one.size is not None), default=0.0) or 1.0
    return [
        Bar(name, None if one.size is None else one.size / tallest, one.text or f"unknown: {one.reason}")
        for name, one in told
    ]


def _rows(groups: Sequence[Group], at: int) -> list[GroupRow]:
    return [GroupRow(one.name, one.models, tell(one.windows[at])) for one in groups]


def _deployments(behind: Delivered) -> list[tuple[Rollout, Sequence[str]]]:
    newest = list(reversed(behind.rollouts))[:NEWEST]
    return [(one, behind.failed.get(one.id, ())) for one in newest]
