"""Which decision of the gate lets a version in. Whatever is not shown to be usable is refused, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.db import utcnow
from app.delivery import queries
from app.errors import Conflict
from app.gate import policies, service
from app.gate import queries as gate
from app.gate.approving import APPROVALS
from app.gate.derivation import Inputs
from app.gate.in_force import InForce
from app.gate.written import ADMIT, PROMOTE
from app.signing import service as signing
from app.tables import Approval, Decision, Model, Version, Waiver


@dataclass(frozen=True)
class Entry:
    """A version on its way into an environment, and the stage of whose decision it needs."""

    model: Model
    version: Version
    environment: str
    stage: str
    role: str
    policy: InForce

    @property
    def command(self) -> str:
        """What gets the decision."""
        name = f"{self.model.name}@{self.version.name}"
        return f"assay gate check {name} --environment {self.environment} --stage {self.stage} --wait"

    def refuse(self, why: str) -> Conflict:
        """``stage`` and ``command`` tell a pipeline how to get in."""
        return Conflict(f"{why} Get a decision: {self.command}", stage=self.stage, command=self.command)


def stage_for(policy: InForce, model: Model, role: str) -> str:
    """The stage whose decision lets a version into this role.

    Stable traffic takes ``promote`` where that stage asks for more than ``admit`` does, everything else ``admit``.
    """
    stages = policy.stages
    if ADMIT not in stages:
        return PROMOTE
    if role != "stable" or PROMOTE not in stages:
        return ADMIT
    asked, more = ([layer.demand for layer in policy.layers(s, model.risk_tier)] for s in (ADMIT, PROMOTE))
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


def consume(session: Session, decision_id: int, identity: Identity) -> Decision:
    """Use a decision for a deployment that is none of ours. Of several callers at once exactly one succeeds.

    Raises:
        NotFound: there is no such decision.
        Invalid: no policy is written for its environment any more.
        Conflict: it cannot be used; with the reason and the command that gets another.
    """
    row = service.find_decision(session, decision_id)
    model, version = session.get_one(Model, row.model_id), session.get_one(Version, row.version_id)
    queries.lock(session, model)
    session.refresh(row)
    now, policy = utcnow(), policies.in_force(session, row.environment, model.name)
    usable(session, Entry(model, version, row.environment, row.stage, "stable", policy), row.id, now)
    row.consumed_at, row.consumed_by = now, identity.name
    details = {"model": model.name, "version": version.name, "environment": row.environment, "stage": row.stage}
    audit_log.record(session, identity.name, "decision.consume", f"decision/{row.id}", **details)
    return row


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
    if decision.consumed_at:
        return f"{name} was consumed by {decision.consumed_by} at {decision.consumed_at.isoformat()}."
    rolled_back = queries.last_rollback_from(session, entry.version, entry.environment)
    made_at = decision.decided_at or decision.created_at
    if rolled_back and rolled_back.ended_at and made_at <= rolled_back.ended_at:
        when = rolled_back.ended_at.isoformat()
        return f"{entry.version.name} was rolled back from at {when}, and {name.lower()} was made before that."
    if problem := _derivation_problem(entry, decision, now):
        return problem
    if problem := _revoked(session, decision):
        return problem
    changed = signing.stored_problem(session, decision)
    return f"{name} {changed}." if changed else None


def _revoked(session: Session, decision: Decision) -> str | None:
    """Which waiver or approval the decision rests on was taken back since."""
    name, conditions = f"Decision {decision.id}", decision.body["conditions"]
    relied_on = {c["waived_by"]["waiver"] for c in conditions if c.get("waived_by")}
    if waiver := gate.revoked_waiver(session, relied_on):
        return f"{name} passed by waiver {waiver.id}, which {_revoker(waiver)}."
    if not any(c["name"].startswith(f"{APPROVALS}.") for c in conditions):
        return None
    counted = {fact["approval"] for fact in decision.inputs["approvals"]}
    if approval := gate.revoked_approval(session, counted):
        return f"{name} counted approval {approval.id} of {approval.person}, which {_revoker(approval)}."
    return None


def _revoker(one: Waiver | Approval) -> str:
    return f"{one.revoked_by} revoked ({one.revocation_reason or 'no reason given'})"


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
    if decision.inputs["risk_tier"] != entry.model.risk_tier:
        return (
            f"{name} was made for the risk tier {decision.inputs['risk_tier']}; it is {entry.model.risk_tier} now."
        )
    return _policy_problem(name, Inputs.model_validate(decision.inputs).in_force, policy)


def _policy_problem(name: str, asked: InForce, policy: InForce) -> str | None:
    """How what bound the decision differs from what is in force."""
    if asked.digest == policy.digest:
        return None
    for then, now in zip(asked.parts, policy.parts, strict=True):
        if then and now and then.digest != now.digest:
            made = f"version {then.version} of the policy {then.name}"
            return f"{name} was made under {made}; version {now.version} is in force."
    return f"{name} was made under other policies: the organisation's floor or the model's additions have changed."
