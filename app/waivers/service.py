"""Waivers: asked for by one person, approved by another in a role that the policy names. Services never commit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col

from app.access import audit_log
from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.access.teams import role_for
from app.catalog.queries import find_model, find_version
from app.db import utcnow
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, nearest
from app.gate import policies
from app.gate.in_force import InForce
from app.paging import Page, PageParams, paginate
from app.tables import Model, Version, Waiver
from app.waivers import queries
from app.waivers.schemas import Status, WaiverIn, WaiverOut


def request(session: Session, model_name: str, identity: Identity, given: WaiverIn, key: str | None) -> WaiverOut:
    """Ask that a condition be excused. Nothing holds yet.

    Raises:
        NotFound: no such model or version.
        Invalid: no policy for that environment, it does not ask for that condition, never lets it be excused, or
            not for so long.
        Forbidden: a pipeline asks.
    """
    if identity.automatic:
        raise Forbidden("A person asks for a waiver, not a pipeline.")
    model = find_model(session, model_name)
    version = find_version(session, model_name, given.version)[1] if given.version else None
    asked = {"model": model_name, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, asked)) is not None:
        return _out(session, session.get_one(Waiver, known), utcnow())
    _require_sense(policies.in_force(session, given.environment, model.name), model, given)
    now = utcnow()
    row = Waiver(
        **given.model_dump(exclude={"days", "version"}),
        model_id=model.id,
        version_id=version.id if version else None,
        requested_by=identity.name,
        created_at=now,
        expires_at=now + timedelta(days=given.days),
    )
    session.add(row)
    session.flush()
    remember(session, identity, key, asked, row.id)
    _record(session, identity, "request", row, None, now)
    return _out(session, row, now)


def approve(session: Session, waiver_id: int, identity: Identity) -> WaiverOut:
    """Let it hold.

    Raises:
        NotFound: no such waiver.
        Forbidden: by whoever asked, by a pipeline, or in a role that the policy does not name.
        Conflict: approved before, revoked or expired.
    """
    row = _find(session, waiver_id)
    if identity.automatic or identity.name == row.requested_by:
        raise Forbidden(f"It takes a second person: {row.requested_by} asked for this, somebody else approves.")
    model = session.get_one(Model, row.model_id)
    roles = policies.in_force(session, row.environment, model.name).waiver_rules.approvers
    role = role_for(session, identity, model.team_id)
    if role not in roles:
        raise Forbidden(f"The policy lets {' or '.join(roles) or 'nobody'} approve this, not {role}.")
    now = utcnow()
    before = _status(row, now)
    if not queries.approve(session, row.id, identity.name, now):
        session.refresh(row)
        raise Conflict(f"waiver {row.id} is {_status(row, now)}: there is nothing to approve")
    return _changed(session, identity, "approve", row, before)


def revoke(session: Session, waiver_id: int, identity: Identity, reason: str) -> WaiverOut:
    """Take it back; one person is enough. Decisions that rest on it cannot be used from now on.

    Raises:
        NotFound: no such waiver.
        Conflict: revoked before.
    """
    row, now = _find(session, waiver_id), utcnow()
    before = _status(row, now)
    if not queries.revoke(session, row.id, identity.name, now, reason):
        session.refresh(row)
        raise Conflict(f"waiver {row.id} was revoked by {row.revoked_by}")
    return _changed(session, identity, "revoke", row, before, revocation_reason=reason)


def list_waivers(session: Session, model_name: str, params: PageParams) -> Page[WaiverOut]:
    """Newest first, ended ones too."""
    model, now = find_model(session, model_name), utcnow()
    rows, following = paginate(session, queries.of_model(model.id), col(Waiver.id), params)
    return Page(items=[_out(session, row, now) for row in rows], next_cursor=following)


def _require_sense(in_force: InForce, model: Model, given: WaiverIn) -> None:
    if given.stage:
        policies.require_stage(in_force, given.stage)
    stages = (given.stage,) if given.stage else in_force.stages
    layers = [layer for stage in stages for layer in in_force.layers(stage, model.risk_tier)]
    names = {name for layer in layers for name in layer.demand.asks}
    if given.condition not in names:
        missing = f"the policy asks for no condition {given.condition!r}{nearest(given.condition, names)}"
        raise _wrong("condition", missing)
    rules = in_force.waiver_rules
    if given.condition in rules.never:
        raise _wrong("condition", f"the policy never lets {given.condition} be waived")
    if given.days > rules.max_days:
        raise _wrong("days", f"the policy lets a condition be waived for {rules.max_days} days at most")


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(path, message)])


def _find(session: Session, waiver_id: int) -> Waiver:
    row = session.get(Waiver, waiver_id)
    if row is None:
        raise NotFound(f"there is no waiver {waiver_id}")
    return row


def _changed(
    session: Session, identity: Identity, what: str, row: Waiver, before: Status, **more: str
) -> WaiverOut:
    session.refresh(row)
    now = utcnow()
    _record(session, identity, what, row, before, now, **more)
    return _out(session, row, now)


def _record(
    session: Session, identity: Identity, what: str, row: Waiver, before: Status | None, now: datetime, **more: str
) -> None:
    details = row.model_dump(include={"condition", "environment", "stage", "reason", "requested_by"})
    details |= {"before": before, "after": _status(row, now), **more}
    audit_log.record(session, identity.name, f"waiver.{what}", f"waiver/{row.id}", **details)


def _status(row: Waiver, now: datetime) -> Status:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= now:
        return "expired"
    return "requested" if row.approved_at is None else "approved"


def _out(session: Session, row: Waiver, now: datetime) -> WaiverOut:
    model = session.get_one(Model, row.model_id)
    version = session.get_one(Version, row.version_id).name if row.version_id else None
    fields = row.model_dump(exclude={"model_id", "version_id"})
    return WaiverOut(**fields, model=model.name, version=version, status=_status(row, now))
