"""Which decision of the gate lets a version in. Whatever is not shown to be usable is refused, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.catalog import organisation
from app.delivery import queries
from app.errors import Conflict, FieldError, Invalid, nearest
from app.gate import document, service
from app.gate import queries as gate
from app.gate.document import PolicyForm
from app.tables import Decision, Model, Policy, Version

ADMIT, PROMOTE = "admit", "promote"


@dataclass(frozen=True)
class Entry:
    """A version on its way into an environment, and the stage of whose decision it needs."""

    model: Model
    version: Version
    environment: str
    stage: str
    role: str
    policy: Policy

    @property
    def command(self) -> str:
        """What gets the decision."""
        name = f"{self.model.name}@{self.version.name}"
        return f"assay gate check {name} --environment {self.environment} --stage {self.stage} --wait"

    def refuse(self, why: str) -> Conflict:
        """``stage`` and ``command`` tell a pipeline how to get in."""
        return Conflict(f"{why} Get a decision: {self.command}", stage=self.stage, command=self.command)


def policy_of(session: Session, environment: str) -> Policy:
    """The environment's newest policy. Invalid, with the nearest, where nobody wrote one."""
    policy = None if environment == organisation.NAME else gate.newest_policy(session, environment)
    if policy is None:
        known = [name for name in gate.policy_names(session) if name != organisation.NAME]
        message = f"no policy is written for the environment {environment!r}{nearest(environment, known)}"
        raise Invalid(message, [FieldError("environment", message)])
    return policy


def stage_for(policy: Policy, model: Model, role: str) -> str:
    """The stage whose decision lets a version into this role.

    Stable traffic takes ``promote`` where that stage asks for more than ``admit`` does, everything else ``admit``.
    """
    form: PolicyForm = document.parse(policy.text, f"{policy.name} version {policy.version}")
    stages = form.stage_forms
    if ADMIT not in stages:
        return PROMOTE
    if role != "stable" or PROMOTE not in stages:
        return ADMIT
    asked, more = (form.conditions(stage, model.risk_tier) for stage in (ADMIT, PROMOTE))
    return PROMOTE if more != asked else ADMIT


def usable(session: Session, entry: Entry, decision_id: int | None, now: datetime) -> Decision:
    """The decision that ``entry`` may consume: the one that is named, else the newest.

    Raises:
        Conflict: there is none, or it cannot be used; with the reason and the command that gets one.
    """
    made = queries.decided(session, entry.version, entry.environment, entry.stage)
    if decision_id is not None:
        named = service.find_decision(session, decision_id)
        if why := _other(named, entry):
            raise entry.refuse(why)
        problem = _problem(session, entry, named, made[0], now)
        if problem:
            raise entry.refuse(problem)
        return named
    if not made:
        wanted = f"{entry.stage} {entry.model.name} {entry.version.name} to {entry.environment} ({entry.role})"
        raise entry.refuse(f"There is no decision to {wanted}.")
    problems = []
    for decision in made:
        problem = _problem(session, entry, decision, made[0], now)
        if problem is None:
            return decision
        problems.append(problem)
    raise entry.refuse(problems[0])


def _other(decision: Decision, entry: Entry) -> str | None:
    """How the named decision differs from what is to be done."""
    wanted = (entry.version.id, entry.environment, entry.stage)
    if (decision.version_id, decision.environment, decision.stage) == wanted and decision.status != "in_progress":
        return None
    if decision.status == "in_progress":
        return f"Decision {decision.id} is not made yet."
    told = decision.body
    about = f"{told['stage']} {told['model']} {told['version']} to {decision.environment}"
    needed = f"{entry.stage} {entry.model.name} {entry.version.name} to {entry.environment}"
    return f"Decision {decision.id} is to {about}; this takes one to {needed}."


def _problem(session: Session, entry: Entry, decision: Decision, newest: Decision, now: datetime) -> str | None:
    """Why ``decision`` cannot be used; None when it can. The cheap questions come first."""
    name = f"Decision {decision.id}"
    if decision.status != "pass":
        return f"{name} is {decision.status}, not pass."
    if newest.status != "pass":
        return f"{name} passed, but decision {newest.id}, which is newer, is {newest.status}."
    if consumer := queries.consumer(session, decision.id):
        return f"{name} was consumed by deployment {consumer.id} at {consumer.started_at.isoformat()}."
    rolled_back = queries.last_rollback_from(session, entry.version, entry.environment)
    made_at = decision.decided_at or decision.created_at
    if rolled_back and rolled_back.ended_at and made_at <= rolled_back.ended_at:
        when = rolled_back.ended_at.isoformat()
        return f"{entry.version.name} was rolled back from at {when}, and {name.lower()} was made before that."
    return _derivation_problem(entry, decision, now)


def _derivation_problem(entry: Entry, decision: Decision, now: datetime) -> str | None:
    """Whether the stored answer still follows from what it was derived from, and is about this very artifact."""
    name, policy = f"Decision {decision.id}", entry.policy
    body, differing = service.replay(decision)
    if differing:
        return f"{name} does not follow from its own inputs any more ({', '.join(differing)} differ)."
    bound = (body["id"], body["status"], body["model"], body["version"], body["environment"], body["stage"])
    meant = (decision.id, "pass", entry.model.name, entry.version.name, entry.environment, entry.stage)
    if bound != meant or body["dry_run"]:
        return f"{name} is about something else than its row says."
    if body["artifact_digest"] != entry.version.artifact_digest or (
        decision.inputs["content_digest"] != entry.version.content_digest
    ):
        return f"{name} is about another artifact ({body['artifact_digest']})."
    if datetime.fromisoformat(body["expires_at"]) <= now:
        return f"{name} expired at {body['expires_at']}."
    if body["policy"]["digest"] != policy.digest:
        asked = f"version {body['policy']['version']} of the policy {policy.name}"
        return f"{name} was made under {asked}; version {policy.version} is in force."
    return None
