"""Approvals: given by people, bound to an artifact, revocable. The gate judges them. Services never commit."""

from __future__ import annotations

from sqlmodel import Session, col

from app.access import audit_log
from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.access.teams import role_for
from app.approvals import queries
from app.approvals.schemas import ApprovalIn, ApprovalOut, Status
from app.catalog.queries import find_model, find_version
from app.db import utcnow
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from app.gate import policies
from app.gate.queries import approved_digest
from app.paging import Page, PageParams, paginate
from app.tables import Approval, Model, Version


def give(
    session: Session, model_name: str, version_name: str, identity: Identity, given: ApprovalIn, key: str | None
) -> ApprovalOut:
    """Approve a version.

    Raises:
        NotFound: no such model or version.
        Invalid: the policy of that environment asks for no approvals there.
        Forbidden: a pipeline, or somebody in a role that the policy does not ask for.
        Conflict: the version has another artifact than the one that was looked at, or the same person approved it.
    """
    if identity.automatic:
        raise Forbidden("A person approves, not a pipeline.")
    model, version = find_version(session, model_name, version_name)
    asked = {"model": model_name, "version": version_name, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, asked)) is not None:
        return _out(session, session.get_one(Approval, known))
    role, digest = role_for(session, identity, model.team_id), approved_digest(version)
    _require_asked(session, model, given, role)
    if given.digest not in {None, digest}:
        raise Conflict(f"{version.name} has the artifact {digest}, not {given.digest}: look at it again")
    row = Approval(
        **given.model_dump(exclude={"digest"}),
        model_id=model.id,
        version_id=version.id,
        digest=digest,
        person=identity.name,
        role=role,
    )
    if earlier := queries.given(session, row):
        raise Conflict(f"{identity.name} approved this already (approval {earlier.id}); a person counts once")
    session.add(row)
    session.flush()
    remember(session, identity, key, asked, row.id)
    _record(session, identity, "give", row, before=None)
    return _out(session, row)


def revoke(session: Session, approval_id: int, identity: Identity, reason: str) -> ApprovalOut:
    """Take it back; one person is enough. Decisions that counted it cannot be used from now on.

    Raises:
        NotFound: no such approval.
        Forbidden: by neither the approver nor an administrator, in a role that the policy does not ask for there.
        Conflict: revoked before.
    """
    row = session.get(Approval, approval_id)
    if row is None:
        raise NotFound(f"there is no approval {approval_id}")
    _require_say(session, row, identity)
    if not queries.revoke(session, row.id, identity.name, utcnow(), reason):
        session.refresh(row)
        raise Conflict(f"approval {row.id} was revoked by {row.revoked_by}")
    session.refresh(row)
    _record(session, identity, "revoke", row, before="given", reason=reason)
    return _out(session, row)


def list_approvals(
    session: Session, model_name: str, version_name: str | None, params: PageParams
) -> Page[ApprovalOut]:
    """Newest first, revoked ones too."""
    model = find_model(session, model_name)
    version_id = find_version(session, model_name, version_name)[1].id if version_name else None
    rows, following = paginate(session, queries.of_model(model.id, version_id), col(Approval.id), params)
    return Page(items=[_out(session, row) for row in rows], next_cursor=following)


def _require_asked(session: Session, model: Model, given: ApprovalIn, role: str) -> None:
    roles = _roles(session, model, given.environment, given.stage)
    if not roles:
        message = f"the policy asks for no approvals in {given.environment}"
        raise Invalid(message, [FieldError("environment", message)])
    if role not in roles:
        raise Forbidden(f"The policy asks for approvals by {' and '.join(roles)}; {role} does not count.")


def _require_say(session: Session, row: Approval, identity: Identity) -> None:
    if identity.name == row.person or identity.role == "admin":
        return
    model = session.get_one(Model, row.model_id)
    role, roles = role_for(session, identity, model.team_id), _roles(session, model, row.environment, row.stage)
    if role not in roles:
        allowed = [row.person, "an administrator", *(f"a person in the role {one}" for one in roles)]
        raise Forbidden(f"Whoever takes this back is {' or '.join(allowed)}, not {role}.")


def _roles(session: Session, model: Model, environment: str, stage: str | None) -> list[str]:
    """Whose approvals the policy asks for, at that stage or, for None, at any."""
    binding = policies.in_force(session, environment, model.name)
    if stage:
        policies.require_stage(binding, stage)
    stages = (stage,) if stage else binding.stages
    layers = [layer for one in stages for layer in binding.layers(one, model.risk_tier)]
    return list(dict.fromkeys(role for layer in layers for role in layer.demand.approvals))


def _record(
    session: Session, identity: Identity, what: str, row: Approval, before: Status | None, **more: str
) -> None:
    details = row.model_dump(include={"version_id", "digest", "environment", "stage", "person", "role", "comment"})
    details |= {"before": before, "after": _status(row), **more}
    audit_log.record(session, identity.name, f"approval.{what}", f"approval/{row.id}", **details)


def _status(row: Approval) -> Status:
    return "given" if row.revoked_at is None else "revoked"


def _out(session: Session, row: Approval) -> ApprovalOut:
    names = session.get_one(Model, row.model_id).name, session.get_one(Version, row.version_id).name
    fields = row.model_dump(exclude={"model_id", "version_id"})
    return ApprovalOut(**fields, model=names[0], version=names[1], status=_status(row))
