"""Rows 42 to 45 of the ledger: met where a metric has a number. How good it is, its band tells."""

from __future__ import annotations

from urllib.parse import quote

from app.ledger.history import History
from app.ledger.reading.delivery.bands import TWINS
from app.ledger.reading.delivery.metrics import delivery_metrics
from app.ledger.reading.delivery.telling import tell
from app.ledger.reading.words import Judged, Proof, met, unknown, worst

WINDOWS = (90, 365)
"""The last quarter, and the last year where that is too short for a number."""


def frequency(history: History) -> Judged:
    """Row 42, of the one model of a history."""
    return _judged(history, "frequency", "Deploy through Assay: assay deploy MODEL@VERSION -e production")


def lead_time(history: History) -> Judged:
    """Row 43: both lead times."""
    ready = "Tell of runs with started_at and version (event pipeline_run), and ask the gate for production."
    production = "Tell of commits (event commit), and name the repository in pipeline.yaml."
    return worst([_judged(history, "lead_to_ready", ready), _judged(history, "lead_to_production", production)])


def restore(history: History) -> Judged:
    """Row 44. Where nothing failed yet it is unknown, for nothing was restored."""
    return _judged(history, "restore", "Have failures seen: schedule audits, tell of incidents (event incident).")


def failure_rate(history: History) -> Judged:
    """Row 45."""
    return _judged(history, "failures", "Deploy through Assay, and tell of incidents and A/B tests.")


def _judged(history: History, metric: str, remedy: str) -> Judged:
    (model,) = delivery_metrics(history, WINDOWS).models
    path, title = f"/models/{quote(model.name)}/delivery", TWINS[metric].title
    for window in model.windows:
        told = tell(window)[metric]
        if told.text is not None:
            said = ", ".join(filter(None, (told.text, told.band, f"in {window.period.name}")))
            return met(Proof(f"{title}: {said}", history.as_of, "", path))
    notes = f" ({'; '.join(told.notes)})" if told.notes else ""
    return unknown(f"{title}: {told.reason}{notes}", remedy)
