"""Rows 4 to 19: the level of automation, the six stages, the seven components."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from app.ledger.reading.words import Judged, Proof, lacking, met, unknown
from app.ledger.rows.contract import Readings, Row

AUTOMATION, STAGES, COMPONENTS = "Automation", "Stages", "Components"
FIRST_LEVEL, BEFORE_STAGES = 4, 6
"""The row of level 0, and the one before stage 1."""


def level(asked: int, read: Readings) -> Judged:
    found = read.automation
    if found.level is None:
        return unknown("; ".join(found.missing) or "no run is known", found.next)
    told = Proof(f"automation level {found.level}")
    if found.level >= asked:
        return met(told)
    return lacking("; ".join(found.missing), found.next, told)


def stage(number: int, read: Readings) -> Judged:
    return read.stages[number]


def component(kind: str, read: Readings) -> Judged:
    return read.components[kind]


LEVELS: Mapping[int, tuple[str, str]] = {
    4: ("The level of automation is known: at least runs that people start", "runs of its pipelines"),
    5: ("Level 1: new data or a schedule retrains, then validates", "every clause of level 1"),
    6: ("Level 2: pipelines are built, tested and delivered by CI/CD", "every clause of levels 1 and 2"),
}
OUTPUTS: Mapping[int, tuple[str, str]] = {
    7: ("Development and experimentation leaves source code of pipelines", "commits in the pipeline's repository"),
    8: ("Pipeline continuous integration leaves packages", "a CI run that succeeded and built packages"),
    9: ("Pipeline continuous delivery leaves a deployed pipeline", "a pipeline version in an environment"),
    10: (
        "Automated triggering leaves a trained model in the registry",
        "a run that no person started, and its version",
    ),
    11: ("Model continuous delivery leaves a prediction service", "a deployment that takes traffic"),
    12: ("Monitoring leaves data of live performance, and the trigger it raised", "tests of live traffic"),
}
KINDS: Mapping[int, tuple[str, str]] = {
    13: ("source_control", "Source control for code, data and model artifacts"),
    14: ("test_and_build", "Test and build services"),
    15: ("deployment_services", "Deployment services"),
    16: ("model_registry", "A model registry"),
    17: ("feature_store", "A feature store"),
    18: ("metadata_store", "An ML metadata store, complete for every run"),
    19: ("orchestrator", "A pipeline orchestrator"),
}
PROBED = "a probe that reached it, or what it did lately"


ROWS = (
    *(Row(n, AUTOMATION, title, by, partial(level, n - FIRST_LEVEL)) for n, (title, by) in LEVELS.items()),
    *(Row(n, STAGES, title, by, partial(stage, n - BEFORE_STAGES)) for n, (title, by) in OUTPUTS.items()),
    *(Row(n, COMPONENTS, title, PROBED, partial(component, kind)) for n, (kind, title) in KINDS.items()),
)
