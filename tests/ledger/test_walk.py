"""All rows of the ledger, by number: met by evidence, unknown without any, missing where it speaks against."""

from dataclasses import replace
from datetime import timedelta

from app.ledger.history import ScheduleFact
from app.ledger.rows import walk
from tests.ledger.reading import planted
from tests.ledger.reading.planted import (
    LEVEL_1,
    MODEL,
    NOW,
    ci_run,
    commit,
    component,
    deployment,
    finding,
    traffic,
    version,
)

TESTS = ("DATA-1", "DATA-7", "INFRA-2", "INFRA-3", "INFRA-4", "INFRA-5", "MON-1", "MON-2", "MON-3", "MON-7")
KINDS = (
    "source_control",
    "test_and_build",
    "deployment_services",
    "model_registry",
    "feature_store",
    "metadata_store",
    "orchestrator",
)


def schedule(**more):
    told = {"environment": "production", "interval_days": 1.0, "enabled": True, "outcome": "succeeded", "missed": 0}
    last, since = NOW - timedelta(hours=6), NOW - timedelta(days=90)
    return ScheduleFact(**({"model": MODEL, "last_slot": last, "since": since} | told | more))


def practised(**more):
    """Everything practised, as ``planted`` tells it."""
    told = [*LEVEL_1, commit(), ci_run(), *(component(kind) for kind in KINDS)]
    before, after = version("1.0.0", days=50, id=1, data={"train": "aa" * 32, "test": "ee" * 32}), version()
    known = planted.history(
        *told,
        versions=(before, after),
        deployments=(deployment(after),),
        findings=tuple(finding(test) for test in TESTS),
        schedules=(schedule(),),
        traffic=(traffic(),),
    )
    return replace(known, **more)


def status(number, history):
    return next(row for row in walk(history) if row.number == number).status
