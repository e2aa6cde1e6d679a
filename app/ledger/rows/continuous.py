"""Rows 21 to 26: continuous integration, delivery, training and monitoring; versions of everything together."""

from __future__ import annotations

from functools import partial

from app.ledger.reading.words import Judged
from app.ledger.rows.contract import Readings, Row

CONTINUOUS, VERSIONING = "Continuous X", "Versioning"


def light(name: str, read: Readings) -> Judged:
    return read.lights[name]


ROWS = (
    Row(
        21,
        CONTINUOUS,
        "CI tests and validates code, data and models, then builds packages",
        "CI runs that say what they tested and built",
        partial(light, "CI"),
    ),
    Row(
        22,
        CONTINUOUS,
        "CD delivers the training pipeline, which delivers the prediction service",
        "a pipeline version and the deployment that came of it",
        partial(light, "CD"),
    ),
    Row(
        23,
        CONTINUOUS,
        "CT retrains by itself for redeployment",
        "a run that no person started, audited and gated",
        partial(light, "CT"),
    ),
    Row(
        24,
        CONTINUOUS,
        "CM watches production data and metrics that stand for the business",
        "tests of live traffic, and the declared business metric",
        partial(light, "CM"),
    ),
    Row(
        25,
        VERSIONING,
        "Code, data and model are versioned together on every deployment",
        "commit, data digest and version of each deployment",
        lambda read: read.versioning.triples_judged,
    ),
    Row(
        26,
        VERSIONING,
        "The reason for a new version is recorded, and agrees with what changed",
        "the manifest's change_reason beside what really changed",
        lambda read: read.versioning.changes_judged,
    ),
)
