"""The signs that a model's predictions were wrong or missing in production, and when each was gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from app.alerts.events import is_production
from app.ledger.events import WATCHING, IncidentEvent
from app.ledger.history import TurnFact, VersionFact
from app.ledger.reading.delivery.practice import Practice

OF_QUALITY = "MON-7"
KIND_OF_METRIC: Mapping[str, str] = MappingProxyType(
    {"accuracy": "accuracy", "balanced_accuracy": "accuracy", "roc_auc": "auc", "f1": "f1"}
)
"""Of what MON-7 measures, by the name that the manifest uses."""


@dataclass(frozen=True)
class Sign:
    """``metric``: the kind of metric that showed it. ``version``: whose predictions, None where nobody said.
    ``ended_at``: None while it lasts.
    """

    model: str
    environment: str
    what: str
    metric: str
    version: str | None
    detected_at: datetime
    ended_at: datetime | None


def signs(practice: Practice) -> tuple[Sign, ...]:
    """Of one model in production, the earliest first."""
    turned = _by((one for one in practice.turns if _counts(one)), lambda one: (one.environment, one.test))
    told = _by(
        (one for one in practice.incidents if is_production(one.environment)),
        lambda one: (one.environment, one.incident),
    )
    versions = {one.name: one for one in practice.versions}
    found = [sign for turns in turned for sign in _of_test(turns, versions)]
    found += [sign for events in told for sign in _of_incident(events)]
    found += [
        Sign(
            one.model,
            one.environment,
            f"outage of endpoint {one.endpoint_id}",
            "other",
            None,
            one.started_at,
            one.ended_at,
        )
        for one in practice.outages
        if is_production(one.environment)
    ]
    return tuple(sorted(found, key=_order))


def _order(sign: Sign) -> tuple[Any, ...]:
    ended = sign.ended_at.timestamp() if sign.ended_at else float("inf")
    return sign.detected_at, ended, sign.environment, sign.what, sign.metric, sign.version or ""


def _counts(turn: TurnFact) -> bool:
    return turn.test in WATCHING and is_production(turn.environment)


def _by(facts: Iterable[Any], key: Any) -> Iterable[list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for one in facts:
        groups[key(one)].append(one)
    return groups.values()


def _of_test(turns: Sequence[TurnFact], versions: Mapping[str, VersionFact]) -> list[Sign]:
    """From each turn to fail until the test passes again; a test that cannot tell has not recovered."""
    found: list[Sign] = []
    failing: TurnFact | None = None
    for turn in sorted(turns, key=lambda one: (one.at, one.alert_id)):
        if turn.after == "fail" and failing is None:
            failing = turn
        elif turn.after == "pass" and failing is not None:
            found.append(_sign_of(failing, versions, turn.at))
            failing = None
    return found if failing is None else [*found, _sign_of(failing, versions, None)]


def _sign_of(turn: TurnFact, versions: Mapping[str, VersionFact], ended_at: datetime | None) -> Sign:
    metric = "other"
    if turn.test == OF_QUALITY and turn.version in versions:
        metric = KIND_OF_METRIC.get(versions[turn.version].manifest["quality"]["metric"], "other")
    return Sign(turn.model, turn.environment or "", turn.test, metric, turn.version, turn.at, ended_at)


def _of_incident(events: Sequence[IncidentEvent]) -> list[Sign]:
    """From when it was opened first until it was resolved last. One that was never told to open has no beginning.

    Told twice, by the system or by two, it is one incident; what is told last of version and metric counts.
    """
    ordered = sorted(
        events, key=lambda one: (one.at, one.state == "resolved", one.id, one.metric, one.version or "")
    )
    opened = next((one for one in ordered if one.state == "opened"), None)
    if opened is None:
        return []
    last = ordered[-1]
    metric = next((one.metric for one in reversed(ordered) if one.metric != "other"), "other")
    version = next((one.version for one in reversed(ordered) if one.version is not None), None)
    ended_at = last.at if last.state == "resolved" else None
    what = f"incident {opened.incident}"
    return [Sign(opened.model, opened.environment, what, metric, version, opened.at, ended_at)]


def never_opened(practice: Practice) -> list[tuple[datetime, str]]:
    """Incidents that were told as resolved only, with the time of that."""
    told = [one for one in practice.incidents if is_production(one.environment)]
    opened = {(one.environment, one.incident) for one in told if one.state == "opened"}
    unknown: dict[str, datetime] = {}
    for one in told:
        if (one.environment, one.incident) not in opened:
            unknown[one.incident] = max(one.at, unknown.get(one.incident, one.at))
    return sorted((at, f"incident {name} of {practice.model.name}") for name, at in unknown.items())
