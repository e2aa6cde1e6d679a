"""Rows 42 to 45 of the ledger: met where a metric has a number. How good it is, its band tells."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from app.ledger.history import History
from app.ledger.reading.delivery.bands import Band, words
from app.ledger.reading.delivery.metrics import Metrics, delivery_metrics
from app.ledger.reading.delivery.numbers import Durations
from app.ledger.reading.words import Judged, Proof, met, unknown, worst

WINDOWS = (90, 365)
Told = tuple[str | None, str]
"""The number in words, None where there is none; and why."""


def frequency(history: History) -> Judged:
    """Row 42, of the one model of a history."""
    return _judged(history, _frequency, "Deploy through Assay: assay deploy MODEL@VERSION --environment production")


def lead_time(history: History) -> Judged:
    """Row 43: both lead times."""
    ready = "Tell of runs with started_at and version (event pipeline_run), and ask the gate for production."
    production = "Tell of commits (event commit), and name the repository in pipeline.yaml."
    return worst(
        [
            _judged(history, lambda one: _duration(one.lead_to_ready, "experiment to ready"), ready),
            _judged(history, lambda one: _duration(one.lead_to_production, "commit to production"), production),
        ]
    )


def restore(history: History) -> Judged:
    """Row 44. Where nothing failed yet it is unknown, for nothing was restored."""
    return _judged(history, _restore, "Have failures seen: schedule audits, tell of incidents (event incident).")


def failure_rate(history: History) -> Judged:
    """Row 45."""
    return _judged(history, _failures, "Deploy through Assay, and tell of incidents and A/B tests.")


def _judged(history: History, number: Callable[[Metrics], Told], remedy: str) -> Judged:
    """By the last quarter, or by the last year where that is too short for a number."""
    (model,) = delivery_metrics(history, WINDOWS).models
    path = f"/models/{quote(model.name)}/delivery"
    why = ""
    for window in model.windows:
        told, why = number(window)
        if told is not None:
            return met(Proof(f"{told}, in {window.period.name}", history.as_of, "ledger", path))
    return unknown(why, remedy)


def _frequency(one: Metrics) -> Told:
    found = one.frequency
    if found.per_week is None:
        return None, found.reason
    return f"{found.deployments} deployments, {found.per_week:.2g} a week{_band(found.band)}", ""


def _duration(found: Durations, what: str) -> Told:
    if found.median is None:
        lacking = "; ".join(f"{', '.join(one.subjects[:3])}: {one.why}" for one in found.left_out)
        return None, f"{what}: {found.reason}" + (f" ({lacking})" if lacking else "")
    p90 = f", p90 {words(found.p90)}" if found.p90 is not None else ""
    return f"{what}: median {words(found.median)}{p90} (n = {found.n}){_band(found.band)}", ""


def _restore(one: Metrics) -> Told:
    found = one.restore.total
    if found.mean is None or one.restore.parts is None:
        return None, found.reason
    parts = ", ".join(f"{name} {words(seconds)}" for name, seconds in one.restore.parts.items() if seconds)
    return f"restored in {words(found.mean)} on average (n = {found.n}): {parts}{_band(found.band)}", ""


def _failures(one: Metrics) -> Told:
    found = one.failures
    if found.share is None:
        return None, found.reason
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.by_kind.items())
    by = f" ({kinds})" if kinds else ""
    return f"{found.failed} of {found.deployments} deployments failed{by}{_band(found.band)}", ""


def _band(band: Band | None) -> str:
    return f", {band}" if band else ""
