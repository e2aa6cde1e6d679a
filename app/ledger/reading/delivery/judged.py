"""Rows 42 to 45 of the ledger: met where a metric has a number. How good it is, its band tells.

Missing where things happened and what is needed to measure them was not told, or nothing was there to see it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

from app.alerts.events import is_production
from app.ledger.history import History
from app.ledger.reading.delivery.bands import TWINS
from app.ledger.reading.delivery.metrics import LEAST_FOR_RATE, Metrics, delivery_metrics
from app.ledger.reading.delivery.numbers import LEAST_FOR_MEDIAN, Durations
from app.ledger.reading.delivery.telling import tell
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst

WINDOWS = (90, 365)
"""The last quarter, and the last year where that is too short for a number."""


def frequency(history: History) -> Judged:
    """Row 42, of the one model of a history."""
    remedy = "Deploy through Assay: assay deploy MODEL@VERSION -e production"
    found = _judged(history, "frequency", remedy, lambda _: "")
    if around := _never_deployed(history):
        missing = f"{' and '.join(around)} answered in production and was never deployed there"
        return lacking(f"{TWINS['frequency'].title}: {missing}", remedy, *found.proofs)
    return found


def _never_deployed(history: History) -> list[str]:
    """Versions whose predictions reached users lately past all that is known of deployments."""
    since = history.as_of - timedelta(days=WINDOWS[0])
    placed = {(one.version, one.environment) for one in history.deployments}
    answered = {
        (one.version, one.environment)
        for one in history.traffic
        if is_production(one.environment) and one.last_at >= since
    }
    return sorted({version for version, _ in answered - placed})


def lead_time(history: History) -> Judged:
    """Row 43: both lead times."""
    ready = "Tell of runs with started_at and version (event pipeline_run), and ask the gate for production."
    production = "Tell of commits (event commit), and name the repository in pipeline.yaml."
    return worst(
        [
            _judged(history, "lead_to_ready", ready, lambda found: _left_out(found.lead_to_ready)),
            _judged(history, "lead_to_production", production, lambda found: _left_out(found.lead_to_production)),
        ]
    )


def _left_out(found: Durations) -> str:
    """What cannot be measured, where there is enough of it."""
    untold = sum(len(one.subjects) for one in found.left_out)
    return f"of {untold} versions it is not known when they began" if untold >= LEAST_FOR_MEDIAN else ""


def restore(history: History) -> Judged:
    """Row 44. Where nothing failed yet it is unknown, for nothing was restored."""
    remedy = "Have failures seen: schedule audits, tell of incidents (event incident)."
    return _judged(history, "restore", remedy, _undetected)


def _undetected(found: Metrics) -> str:
    count = len(found.restore.undetected)
    return f"{count} failures were ended of which nothing tells when they began" if count else ""


def failure_rate(history: History) -> Judged:
    """Row 45."""
    remedy = "Deploy through Assay, have production watched (assay schedule set), tell of incidents and A/B tests."
    return _judged(history, "failures", remedy, _unwatched)


def _unwatched(found: Metrics) -> str:
    blind = found.failures.unwatched >= LEAST_FOR_RATE
    return f"nothing would have shown a failure of {found.failures.unwatched} deployments" if blind else ""


def _judged(history: History, metric: str, remedy: str, against: Callable[[Metrics], str]) -> Judged:
    (model,) = delivery_metrics(history, WINDOWS).models
    path, title = f"/models/{quote(model.name)}/delivery", TWINS[metric].title
    for window in model.windows:
        told = tell(window)[metric]
        if told.text is not None:
            said = ", ".join(filter(None, (told.text, told.band, f"in {window.period.name}")))
            return met(Proof(f"{title}: {said}", history.as_of, "", path))
    notes = f" ({'; '.join(told.notes)})" if told.notes else ""
    if reason := against(window):
        return lacking(f"{title}: {reason}{notes}", remedy, Proof(f"{title} of {model.name}", None, "", path))
    return unknown(f"{title}: {told.reason}{notes}", remedy)
