"""``/models/{name}/serving``: what serves where, since when and by which right, and who watches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerts import service as alerts
from app.alerts.schemas import AlertOut
from app.catalog.queries import find_model
from app.config import Settings
from app.delivery import service as delivery
from app.delivery.schemas import DeploymentOut
from app.monitoring import queries as traffic_queries
from app.monitoring import traffic
from app.monitoring.schemas import TrafficOut
from app.paging import PageParams
from app.schedules import service as schedules
from app.schedules.schemas import ScheduleOut
from app.tables import Model
from app.training import service as training
from app.training.schemas import TrainingRequestOut
from app.uptime import service as uptime
from app.uptime.schemas import UptimeOut

DEPLOYMENTS_LISTED, ALERTS_LISTED = PageParams(limit=200), PageParams(limit=10)
TRAFFIC_DAYS = timedelta(days=30)


@dataclass(frozen=True)
class EnvironmentView:
    """One environment: who serves now, who served before, what was asked in the last days with traffic.

    ``earlier``: more was asked before these days.
    """

    name: str
    serving: Sequence[DeploymentOut]
    past: Sequence[DeploymentOut]
    traffic: TrafficOut | None
    earlier: bool

    @property
    def busiest(self) -> int:
        """Rows of the busiest day, to draw the others against."""
        return max((day.rows for day in self.traffic.days), default=0) if self.traffic else 0


@dataclass(frozen=True)
class ServingView:
    model: Model
    environments: Sequence[EnvironmentView]
    endpoints: Sequence[UptimeOut]
    schedules: Sequence[ScheduleOut]
    requests: Sequence[TrainingRequestOut]
    alerts: Sequence[AlertOut]


def serving(session: Session, settings: Settings, model_name: str, before: datetime | None) -> ServingView:
    """``before``: show the traffic before that time. Raises NotFound, naming the nearest model."""
    model = find_model(session, model_name)
    deployments = delivery.list_deployments(session, model.name, None, None, DEPLOYMENTS_LISTED).items
    newest = traffic_queries.newest_traffic(session, model.id, before)
    names = sorted({one.environment for one in deployments} | newest.keys())
    return ServingView(
        model=model,
        environments=[_environment(session, model, name, deployments, newest.get(name)) for name in names],
        endpoints=uptime.uptime_of(session, model),
        schedules=schedules.schedules_of(session, [model], settings),
        requests=training.requests_of(session, model),
        alerts=alerts.list_alerts(session, model.name, None, ALERTS_LISTED, unread=False).items,
    )


def _environment(
    session: Session, model: Model, name: str, deployments: Sequence[DeploymentOut], newest: datetime | None
) -> EnvironmentView:
    here = [one for one in deployments if one.environment == name]
    seen, earlier = None, False
    if newest is not None:
        until = newest + timedelta(microseconds=1)
        seen = traffic.report(session, model.name, name, since=until - TRAFFIC_DAYS, until=until)
        earlier = name in traffic_queries.newest_traffic(session, model.id, seen.since)
    return EnvironmentView(
        name=name,
        serving=[one for one in here if one.ended_at is None],
        past=[one for one in here if one.ended_at is not None],
        traffic=seen,
        earlier=earlier,
    )
