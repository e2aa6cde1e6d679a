"""Histories to plant: events as tools tell them, in any order, and rows as the database holds them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.catalog.pipelines import PipelineForm
from app.ledger import folding
from app.ledger.events import (
    EVENT,
    CIRunEvent,
    CommitEvent,
    ComponentEvent,
    IncidentEvent,
    PipelineRunEvent,
    PipelineVersionEvent,
    RegisteredVersionEvent,
)
from app.ledger.history import History, ModelFact, PipelineFact

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PIPELINE, MODEL, REPOSITORY = "credit-training", "credit-default", "bank/credit"
COMMIT, OTHER_COMMIT = "c0ffee" + "0" * 34, "decade" + "0" * 34


def digest(text: str) -> str:
    return "sha256:" + text.encode().hex().ljust(64, "0")


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


STAGES = [
    {"name": name, "role": role, "state": "succeeded"}
    for name, role in (
        ("extract", "extraction"),
        ("check-data", "validation"),
        ("prepare", "preparation"),
        ("train", "training"),
        ("evaluate", "evaluation"),
        ("check-model", "model_validation"),
    )
]


def run(name="nightly-2", days=1.0, **more):
    """A whole run of the pipeline that a schedule started ``days`` ago, with all its metadata."""
    told = {
        "kind": "pipeline_run",
        "id": f"{name}:succeeded",
        "at": ago(days),
        "pipeline": PIPELINE,
        "run": name,
        "state": "succeeded",
        "trigger": "schedule",
        "orchestrator": "kfp",
        "orchestrated": True,
        "environment": "production",
        "pipeline_digest": digest("pipeline"),
        "commit": COMMIT,
        "data_digest": digest(f"data of {name}"),
        "evaluation_digest": digest("test data"),
        "stages": STAGES,
        "parameters": {"depth": 6},
        "metrics": {"roc_auc": 0.8},
        "model": MODEL,
    }
    return _without(told | more)


def by_hand(name="notebook", days=1.0, **more):
    return run(name, days, **({"trigger": "manual", "orchestrator": None, "orchestrated": False} | more))


def pipeline_version(environment="production", days=20.0, **more):
    told = {
        "kind": "pipeline_version",
        "id": f"{environment}-{days}",
        "at": ago(days),
        "pipeline": PIPELINE,
        "digest": digest("pipeline"),
        "environment": environment,
        "commit": COMMIT,
        "packages": [digest("package")],
    }
    return _without(told | more)


def _without(told):
    return {key: value for key, value in told.items() if value is not None}


LEVEL_1 = [run("nightly-1", 2), run("nightly-2", 1), pipeline_version("development", 21), pipeline_version()]
"""All that level 1 asks for."""

FORM = PipelineForm(name=PIPELINE, owner="risk", repository=REPOSITORY, models=[MODEL], cadence_days=7)

A_MODEL = ModelFact(
    name=MODEL,
    owner="risk",
    purpose="Estimate the chance that a loan defaults.",
    users="Loan officers",
    problem_type="productivity",
    task="binary",
    risk_tier="high",
    business_metric={"name": "expected loss"},
    retraining_days=None,
    created_at=NOW - timedelta(days=400),
)

FIELDS = {
    CommitEvent: "commits",
    CIRunEvent: "ci_runs",
    PipelineVersionEvent: "pipeline_versions",
    PipelineRunEvent: "runs",
    RegisteredVersionEvent: "registered_versions",
    ComponentEvent: "components",
    IncidentEvent: "incidents",
}
FOLDED = {"runs": folding.runs, "ci_runs": folding.ci_runs}


def history(*told, form=FORM, shuffle=None, **fields) -> History:
    """The history of one model and its pipeline after ``told``, mixed by the seed ``shuffle``."""
    told = list(told)
    if shuffle is not None:
        random.Random(shuffle).shuffle(told)
    events = [EVENT.validate_python(one) for one in told]
    by_field = {
        field: tuple(FOLDED.get(field, _sorted)([one for one in events if isinstance(one, kind)]))
        for kind, field in FIELDS.items()
    }
    known = History(
        as_of=NOW,
        models=(A_MODEL,),
        pipelines=(PipelineFact(PIPELINE, form, NOW - timedelta(days=400)),),
        sources={(one.kind, one.id): "kfp" for one in events},
        **by_field,
    )
    return replace(known, **fields)


def _sorted(events):
    return sorted(events, key=lambda one: one.at)
