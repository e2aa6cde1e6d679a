"""The gauges that are read from the database: docs/observability.md lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlmodel import Session

from app.config import Settings
from app.db import database_now
from app.metrics import queries
from app.metrics.scores import Scores
from app.schedules import service as schedules
from app.tables import Audit, Decision, Model
from app.uptime import queries as uptime_queries
from app.uptime.service import state_of

Row = tuple[Sequence[str], float]
PLACE = ("model", "environment")


class Stored:
    """As ``prometheus_client`` wants a collector."""

    def __init__(self, session: Session, settings: Settings, scores: Scores) -> None:
        self._session, self._settings, self._scores = session, settings, scores
        self._now = database_now(session)

    def collect(self) -> Iterator[Metric]:
        yield from self._counts()
        models = queries.models(self._session)
        yield from self._models(models)
        yield from self._audits()
        yield from self._schedules(models)
        yield from self._endpoints()

    def _counts(self) -> Iterator[Metric]:
        session = self._session
        for name, what, table in (
            ("assay_audits", "Audits by status.", Audit),
            ("assay_gate_decisions", "Gate decisions by status.", Decision),
        ):
            counted = queries.counted(session, table)
            yield _gauge(name, what, ["status"], (((status,), count) for status, count in counted))
        alerts = queries.open_alerts(session)
        yield _gauge(
            "assay_open_alerts",
            "Alerts that nobody has acknowledged.",
            ["model", "severity"],
            (((model, severity), count) for model, severity, count in alerts),
        )

    def _models(self, models: Sequence[Model]) -> Iterator[Metric]:
        session = self._session
        newest, serving = queries.newest_versions(session), queries.serving(session)
        yield _gauge(
            "assay_model_info",
            "Always 1: who owns a model, how risky it is, its newest version.",
            ["model", "owner", "risk_tier", "version"],
            (((one.name, one.owner, one.risk_tier, newest.get(one.name, (0, ""))[1]), 1) for one in models),
        )
        yield _gauge(
            "assay_deployed_version_info",
            "Always 1: which version serves where, in which traffic role.",
            [*PLACE, "role", "version"],
            (((model, environment, role, version), 1) for model, environment, role, _, version in serving),
        )
        names = dict(newest.values()) | {key: version for *_, key, version in serving}
        yield _gauge(
            "assay_test_verdict",
            "Always 1: what a test found last; blind: it could not tell. Without a version, a test of the system.",
            [*PLACE, "version", "test", "verdict"],
            (
                ((model, environment, names.get(version, ""), test, verdict), 1)
                for model, version, environment, test, verdict in queries.verdicts(session, names)
            ),
        )
        yield from self._scored({name: key for name, (key, _) in newest.items()})

    def _scored(self, newest: dict[str, int]) -> Iterator[Metric]:
        cards = self._scores.refresh(self._session, newest)
        yield _gauge(
            "assay_score",
            "ML test score of the newest version, over all environments.",
            ["model"],
            (((model,), card.score) for model, card in cards.items()),
        )
        yield _gauge(
            "assay_section_score",
            "The same of each section; the lowest is the score.",
            ["model", "section"],
            (((model, one.section.value), one.score) for model, card in cards.items() for one in card.sections),
        )

    def _audits(self) -> Iterator[Metric]:
        yield _gauge(
            "assay_newest_audit_timestamp_seconds",
            'When the newest completed audit ended; environment "": of a version by itself.',
            PLACE,
            (
                ((model, environment or ""), at.timestamp())
                for model, environment, at in queries.newest_audits(self._session)
            ),
        )
        oldest = queries.oldest_queued(self._session)
        yield _gauge(
            "assay_oldest_queued_audit_seconds",
            "How long the audit that has waited longest for a worker has; 0: none waits.",
            [],
            [((), self._age(oldest))],
        )

    def _schedules(self, models: Sequence[Model]) -> Iterator[Metric]:
        found = schedules.schedules_of(self._session, models, self._settings)
        yield _gauge(
            "assay_schedule_missed_slots",
            "Scheduled audits of the last 30 days that did not run.",
            PLACE,
            (((one.model, one.environment or ""), one.missed) for one in found),
        )
        yield _gauge(
            "assay_schedule_overdue_seconds",
            "How long a scheduled audit has been due without anybody following the schedule; 0: it is followed.",
            PLACE,
            (((one.model, one.environment or ""), self._age(one.overdue)) for one in found),
        )

    def _endpoints(self) -> Iterator[Metric]:
        found = queries.endpoints(self._session)
        newest = uptime_queries.newest_probes(self._session, [one.id for _, one in found])
        told: list[tuple[tuple[str, str, str], bool, float]] = []
        for model, one in found:
            probe = newest.get(one.id)
            if probe is not None and state_of(probe.ok, probe.at, one.interval_seconds, self._now) != "unknown":
                told.append(((model, one.environment, one.name), bool(probe.ok), probe.seconds))
        labels = [*PLACE, "endpoint"]
        yield _gauge(
            "assay_endpoint_up",
            "Whether the newest probe was good; absent while nobody knows.",
            labels,
            ((names, up) for names, up, _ in told),
        )
        yield _gauge(
            "assay_endpoint_probe_seconds",
            "How long the newest probe took.",
            labels,
            ((names, seconds) for names, _, seconds in told),
        )

    def _age(self, at: datetime | None) -> float:
        return max((self._now - at).total_seconds(), 0.0) if at else 0.0


def _gauge(name: str, what: str, labels: Sequence[str], rows: Iterable[Row]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family
