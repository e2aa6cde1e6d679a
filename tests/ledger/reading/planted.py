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
from app.ledger.history import (
    DeploymentFact,
    FindingFact,
    History,
    MeasurementFact,
    ModelFact,
    PipelineFact,
    TrafficFact,
    TrainingFact,
    TurnFact,
    VersionFact,
)

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


def commit(sha=COMMIT, days=30.0, **more):
    told = {"kind": "commit", "id": sha, "at": ago(days), "repository": REPOSITORY, "commit": sha, "branch": "main"}
    return told | {"author": "Ada"} | more


TESTS = [{"covers": kind, "passed": 3, "failed": 0} for kind in ("code", "data", "model")]


def ci_run(name="ci-1", days=29.0, **more):
    """A CI run that tested everything and built the package of the pipeline."""
    told = {
        "kind": "ci_run",
        "id": f"{name}:succeeded",
        "at": ago(days),
        "repository": REPOSITORY,
        "run": name,
        "commit": COMMIT,
        "state": "succeeded",
        "tests": TESTS,
        "packages": [{"name": "pipeline", "digest": digest("package")}],
    }
    return _without(told | more)


def component(kind, days=1.0, **more):
    """A probe that a component answered."""
    told = {"kind": "component", "id": f"{kind}-{days}", "at": ago(days), "pipeline": PIPELINE, "component": kind}
    return told | {"name": kind, "reachable": True, "version": "1.0"} | more


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

MANIFEST = {
    "model": {"owner": "risk", "purpose": "Estimate.", "users": "Officers", "problem_type": "productivity"},
    "version": {"tunables": {"depth": 6}, "pipeline": {"name": PIPELINE}},
    "data": {"train": {"path": "train.parquet"}, "test": {"path": "test.parquet"}},
    "columns": {"label": "default"},
    "features": [{"name": "income", "type": "number"}, {"name": "age", "type": "integer"}],
}


def version(name="1.1.0", days=0.9, id=2, **more) -> VersionFact:  # noqa: A002
    """A registered version, by default of the newest run of ``LEVEL_1``."""
    values = {
        "id": id,
        "model": MODEL,
        "name": name,
        "created_at": NOW - timedelta(days=days),
        "created_by": "ci",
        "commit": COMMIT,
        "change_reason": "new_data",
        "artifact_digest": f"{id:064x}",
        "pipeline": PIPELINE,
        "run": "nightly-2",
        "data": {"train": digest("data of nightly-2").removeprefix("sha256:"), "test": "ee" * 32},
        "manifest": MANIFEST,
        "model_class": "sklearn.ensemble.HistGradientBoostingClassifier",
    }
    return VersionFact(**(values | more))


def deployment(of: VersionFact, days=0.5, environment="production", **more) -> DeploymentFact:
    values = {
        "id": of.id,
        "model": of.model,
        "version": of.name,
        "version_id": of.id,
        "environment": environment,
        "role": "stable",
        "kind": "decision",
        "started_at": NOW - timedelta(days=days),
        "ended_at": None,
        "outcome": None,
        "decision_id": 7,
        "actor": "ci",
        "artifact_digest": of.artifact_digest,
    }
    return DeploymentFact(**(values | more))


def finding(test="MON-7", verdict="pass", days=0.2, of="1.1.0", environment="production") -> FindingFact:
    at = NOW - timedelta(days=days)
    return FindingFact(9, 8, test, MODEL, of, environment, verdict, True, at, f"{test} was measured.")


def asked(days=3.0, **more) -> TrainingFact:
    """A request that the turn of a test raised, and that a run answered with a version."""
    at = NOW - timedelta(days=days)
    names = {"request": "tr_7", "model": MODEL, "pipeline": PIPELINE, "environment": "production"}
    came = {"run": "retrain", "version": "1.1.0", "audit_id": 9, "decision_id": 5, "decision": "pass"}
    ended = {"alert_id": 4, "at": at, "sent_at": at, "outcome": "succeeded", "ended_at": at}
    because = {"cause": "degradation", "because": ("MON-7 turned to fail.",)}
    return TrainingFact(**(names | came | ended | because | more))


def turn(test="MON-7", after="fail", days=3.0, of="1.0.0") -> TurnFact:
    return TurnFact(4, MODEL, of, "production", test, "pass", after, NOW - timedelta(days=days))


def traffic(days=0.1, of="1.1.0", rows=1000) -> TrafficFact:
    return TrafficFact(MODEL, "production", of, NOW - timedelta(days=5), NOW - timedelta(days=days), rows)


def measurement(name="expected loss", days=1.0, tool="prometheus") -> MeasurementFact:
    return MeasurementFact(MODEL, name, 0.017, "", NOW - timedelta(days=days), tool, f"avg({name})", 12)


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
