"""Histories to plant: what happened to models, told in days."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from app.catalog.pipelines import PipelineForm
from app.ledger.events import EVENT
from app.ledger.folding import runs
from app.ledger.history import (
    DecisionFact,
    DeploymentFact,
    History,
    ModelFact,
    OutageFact,
    PipelineFact,
    TurnFact,
    VersionFact,
)

START = datetime(2024, 1, 4, tzinfo=UTC)
_numbers = count(1)


def at(days: float) -> datetime:
    """``days`` after the fourth of January 2024, a Thursday."""
    return START + timedelta(days=days)


@dataclass
class Story:
    """Collects facts; ``history(days)`` is what is known then. The model "m" of the team "risk" is there.

    Something watches all models in production but those that are ``unwatched``.
    """

    models: list[ModelFact] = field(default_factory=list)
    pipelines: list[PipelineFact] = field(default_factory=list)
    versions: list[VersionFact] = field(default_factory=list)
    deployments: list[DeploymentFact] = field(default_factory=list)
    decisions: list[DecisionFact] = field(default_factory=list)
    turns: list[TurnFact] = field(default_factory=list)
    outages: list[OutageFact] = field(default_factory=list)
    events: list = field(default_factory=list)
    unwatched: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.model("m")

    def model(self, name, owner="risk", created=0.0, **more):
        told = {
            "purpose": "Estimate the chance that a loan defaults.",
            "users": "Loan officers",
            "problem_type": "productivity",
            "task": "binary",
            "risk_tier": "high",
            "business_metric": {"name": "expected loss", "target": "below 2 %"},
            "retraining_days": None,
        }
        self.models.append(ModelFact(name=name, owner=owner, created_at=at(created), **(told | more)))

    def pipeline(self, name="p", **form):
        declared = PipelineForm(**({"name": name, "owner": "risk", "models": ["m"], "repository": "bank/m"} | form))
        self.pipelines.append(PipelineFact(name, declared, START))

    def version(self, name, model="m", created=0.0, commit=None, run=None, pipeline=None, quality=None):
        manifest = {"quality": quality or {"metric": "roc_auc", "floor": 0.7}}
        fact = VersionFact(
            next(_numbers), model, name, at(created), "ci", commit, "initial", None, pipeline, run, {}, manifest
        )
        self.versions.append(fact)

    def decide(self, version, days, status="pass", environment="production", stage="admit", model="m"):
        self.decisions.append(DecisionFact(next(_numbers), model, version, environment, stage, status, at(days)))

    def deploy(self, version, since, until=None, outcome=None, model="m", **more):
        told = {"environment": "production", "role": "stable", "kind": "decision", "decision_id": None} | more
        ended = None if until is None else at(until)
        outcome = outcome or ("replaced" if until is not None else None)
        row = next(_numbers)
        if (model, version) not in {(one.model, one.name) for one in self.versions}:
            self.version(version, model)
        ids = {(one.model, one.name): one.id for one in self.versions}
        self.deployments.append(
            DeploymentFact(
                row,
                model,
                version,
                ids[model, version],
                started_at=at(since),
                ended_at=ended,
                outcome=outcome,
                actor="ci",
                **told,
            )
        )
        return row

    def turn(self, after, days, test="MON-7", version="1", environment="production", before="pass", model="m"):
        self.turns.append(TurnFact(next(_numbers), model, version, environment, test, before, after, at(days)))

    def tell(self, kind, days, **told):
        event = {"kind": kind, "id": str(next(_numbers)), "at": at(days)} | told
        self.events.append(EVENT.validate_python(event))

    def commit(self, name, days, repository="bank/m", branch="main"):
        self.tell("commit", days, repository=repository, commit=name, branch=branch, author="Ada")

    def run(self, name, start, end, state="succeeded", **told):
        if "experiment" not in told:
            told = {"pipeline": "p"} | told
        if start is not None:
            told["started_at"] = at(start)
        known = {key: value for key, value in told.items() if value is not None}
        self.tell("pipeline_run", end, run=name, state=state, finished_at=at(end), **known)

    def incident(self, name, state, days, model="m", environment="production", **told):
        self.tell("incident", days, incident=name, state=state, model=model, environment=environment, **told)

    def ab_test(self, candidate, days, outcome="worse", model="m", environment="production"):
        told = {"candidate": candidate, "baseline": "0", "metric": "conversion", "outcome": outcome}
        self.tell("ab_test", days, model=model, environment=environment, **told)

    def history(self, days: float) -> History:
        told = sorted((one for one in self.events if one.at <= at(days)), key=lambda one: (one.at, one.id))

        def of(kind):
            return [one for one in told if one.kind == kind]

        return History(
            as_of=at(days),
            models=tuple(self.models),
            pipelines=tuple(self.pipelines),
            versions=tuple(self.versions),
            deployments=tuple(_as_of(one, at(days)) for one in self.deployments if one.started_at <= at(days)),
            decisions=tuple(one for one in self.decisions if one.at <= at(days)),
            turns=tuple(one for one in self.turns if one.at <= at(days)),
            outages=tuple(self.outages),
            watched=tuple(one.name for one in self.models if one.name not in self.unwatched),
            commits=tuple(of("commit")),
            runs=tuple(runs(of("pipeline_run"))),
            registered_versions=tuple(of("registered_version")),
            ab_tests=tuple(of("ab_test")),
            incidents=tuple(of("incident")),
        )


def _as_of(one: DeploymentFact, moment: datetime) -> DeploymentFact:
    ended = one.ended_at is not None and one.ended_at <= moment
    return one if ended else replace(one, ended_at=None, outcome=None)


def half_a_year() -> Story:
    """Two models of two teams over 26 weeks, with everything that can happen to them, and one that never served."""
    story = Story()
    story.pipeline(experiment={"metric": "roc_auc"})
    story.model("fraud-score", owner="fraud")
    story.model("churn", owner="growth")
    story.version("0.1", model="churn", created=3)
    for week in range(24):
        _weekly(story, week)
    for number in range(4):
        story.deploy(f"1.{number}", 20 + 40 * number, model="fraud-score", until=60 + 40 * number)
    story.incident("F-1", "opened", 175, model="fraud-score", metric="false_positives")
    return story


def _weekly(story: Story, week: int) -> None:
    """A new version of "m" each week; every fifth is rolled back, every seventh is retrained away."""
    day, version, commit = 7.0 * week + 4, f"{week}", f"{week:040x}"
    story.commit(commit, day)
    story.version(version, created=day, commit=commit, pipeline="p")
    trial = {
        "experiment": "weekly",
        "branch": f"week-{week}",
        "model": "m",
        "metrics": {"roc_auc": 0.7 + week / 100},
    }
    story.run(f"try-{week}", day, day + 0.2, **trial)
    story.run(f"train-{week}", day + 0.3, day + 0.5, version=version, **trial)
    story.decide(version, day + 1)
    story.deploy(version, day + 1.5, day + 3, "role", role="canary")
    gone = day + 4 if week % 5 == 4 else day + 8.5
    story.deploy(version, day + 3, gone, "rolled_back" if week % 5 == 4 else "replaced")
    if week % 5 == 4:
        story.incident(f"I-{week}", "opened", day + 3.5, metric="recall", version=version)
        story.deploy(f"{week - 1}", day + 4, day + 8.5, kind="rollback")
        story.incident(f"I-{week}", "resolved", day + 4.25)
    if week % 7 == 6:
        story.turn("fail", day + 3.2, version=version)
        story.run(f"again-{week}", day + 3.4, day + 3.9, model="m")
        story.turn("pass", day + 4.4, version=version)
    if week % 6 == 5:
        story.ab_test(version, day + 5)
