"""Conditions on age of evidence, delivery metrics and open issues, each with a limit, and on fields filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from app.gate.terms import Condition, Demand, Known, Limited, Status

AGE, DELIVERY, ISSUES = "max_age_days", "delivery", "open_issues"


@dataclass(frozen=True)
class Metric:
    """A delivery metric. ``unit`` as a sentence says it; ``per_unit``: how much of the ledger's measure it is."""

    title: str
    unit: str
    per_unit: float


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "change_fail_rate_max": Metric("change failure rate", "", 1),
        "lead_time_days_max": Metric("median lead time from commit to production", " days", 86400),
        "time_to_restore_hours_max": Metric("mean time to restore", " hours", 3600),
    }
)
WINDOW_DAYS = 90
"""Of which the delivery metrics are taken."""


def conditions(demand: Demand, known: Known) -> Iterator[tuple[str, str, Callable[[], Condition]]]:
    """(name, metric, how to judge it) of each."""
    for name, limit in demand.at_most.items():
        kind, _, what = name.partition(".")
        yield name, _METRIC[kind].format(what), partial(_JUDGES[kind], name, what, limit, known)
    for field in demand.registration:
        name = f"registration.{field}"
        yield name, name, partial(_filled, name, field, known)


def _age(name: str, test_id: str, limit: float, known: Known) -> Condition:
    run = known.runs.get(test_id)
    if run is None:
        return _at_most(name, limit, None, f"{test_id} has not run here.", "Run an audit, or attest it.")
    age = (known.as_of - run.at) / timedelta(days=1)
    told = f"{test_id} last ran {age:.1f} days ago ({run.source}); at most {limit:g} are asked for."
    old = Status.UNKNOWN if age > limit else Status.PASS  # what is too old shows nothing any more
    return _at_most(name, limit, round(age, 1), told, "Run an audit, or attest it.", old)


def _delivery(name: str, key: str, limit: float, known: Known) -> Condition:
    found, metric = known.delivery.get(key, Limited(None, "it was not looked up")), METRICS[key]
    if found.value is None:
        told = f"The {metric.title} is not known: {found.reason}."
        return _at_most(name, limit, None, told, "Tell Assay of deployments and incidents.")
    told = f"The {metric.title} of the last {WINDOW_DAYS} days is {found.value:.3g}{metric.unit}; at most {limit:g}"
    return _at_most(name, limit, found.value, f"{told} is asked for.", "See the model's page under /delivery.")


def _issues(name: str, severity: str, limit: float, known: Known) -> Condition:
    if known.open_issues is None:
        return _at_most(name, limit, None, "Whether there are open issues was not looked up.", "")
    count = known.open_issues.get(severity, 0)
    told = f"{count} open issues of severity {severity}; at most {limit:g} are let through."
    return _at_most(name, limit, count, told, "Close them by evidence.")


def _at_most(
    name: str, limit: float, actual: float | None, told: str, remedy: str, status: Status | None = None
) -> Condition:
    if status is None:
        status = Status.UNKNOWN if actual is None else Status.PASS if actual <= limit else Status.FAIL
    kind, _, what = name.partition(".")
    remedy = "" if status is Status.PASS else remedy
    return Condition(name, _METRIC[kind].format(what), "<=", limit, actual, status, told, remedy)


def _filled(name: str, field: str, known: Known) -> Condition:
    if known.registration is None or field not in known.registration:
        return Condition(name, name, "==", "filled", None, Status.UNKNOWN, f"{field} was not looked up.")
    value = known.registration[field]
    if value in (None, "", [], {}):
        told = f"The registration says nothing about {field}."
        return Condition(name, name, "==", "filled", "empty", Status.FAIL, told, "Fill it in the manifest.")
    return Condition(name, name, "==", "filled", "filled", Status.PASS, f"{field} is {_short(value)}.")


def _short(value: Any) -> str:
    told = str(value)
    return told if len(told) <= 80 else f"{told[:79]}…"


_METRIC: Mapping[str, str] = MappingProxyType(
    {AGE: "{}.age_days", DELIVERY: "delivery.{}", ISSUES: "open_issues.{}"}
)
_JUDGES: Mapping[str, Callable[[str, str, float, Known], Condition]] = MappingProxyType(
    {AGE: _age, DELIVERY: _delivery, ISSUES: _issues}
)
