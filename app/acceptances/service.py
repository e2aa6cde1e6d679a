"""Exceptions of a model: asked for by one person, agreed to by another, for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col

from app.acceptances import queries
from app.acceptances.schemas import AcceptanceIn, AcceptanceOut, Status
from app.access import audit_log
from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.catalog.queries import find_model, newest_version
from app.db import utcnow
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, nearest
from app.paging import Page, PageParams, paginate
from app.tables import Acceptance, Model
from checks.rubric import BY_ID

OF_FEATURES = frozenset({"DATA-2", "DATA-3"})
ACCEPTABLE = (*sorted(OF_FEATURES), "DATA-5")
"""Tests whose checks read acceptances."""


def request(
    session: Session, model_name: str, identity: Identity, given: AcceptanceIn, key: str | None
) -> AcceptanceOut:
    """Ask for an exception. Nothing holds yet.

    Raises:
        NotFound: no such model.
        Invalid: no such test or feature, or a subject where none, or one, is due.
    """
    model = find_model(session, model_name)
    asked = {"model": model_name, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, asked)) is not None:
        return _out(session.get_one(Acceptance, known), model, utcnow())
    _require_sense(session, model, given)
    now = utcnow()
    row = Acceptance(
        **given.model_dump(exclude={"expires_in_days"}),
        model_id=model.id,
        requested_by=identity.name,
        created_at=now,
        expires_at=now + timedelta(days=given.expires_in_days),
    )
    session.add(row)
    session.flush()
    remember(session, identity, key, asked, row.id)
    _record(session, identity, "requested", row)
    return _out(row, model, now)


def agree(session: Session, acceptance_id: int, identity: Identity) -> AcceptanceOut:
    """Agree to what another person asked for.

    Raises:
        NotFound: no such acceptance.
        Forbidden: whoever asked cannot agree, nor can a pipeline.
        Conflict: agreed to before, revoked or expired.
    """
    row = _find(session, acceptance_id)
    if identity.name == row.requested_by or identity.automatic:
        raise Forbidden(f"It takes a second person: {row.requested_by} asked for this, somebody else has to agree.")
    now = utcnow()
    if not queries.agree(session, row.id, identity.name, now):
        raise Conflict(f"acceptance {row.id} is {_status(row, now)}: there is nothing to agree to")
    return _changed(session, identity, "agreed", row, now)


def revoke(session: Session, acceptance_id: int, identity: Identity, reason: str) -> AcceptanceOut:
    """Take it back; one person is enough. What was found while it held stays as it is.

    Raises:
        NotFound: no such acceptance.
        Conflict: revoked before.
    """
    row, now = _find(session, acceptance_id), utcnow()
    if not queries.revoke(session, row.id, identity.name, now, reason):
        raise Conflict(f"acceptance {row.id} was revoked by {row.revoked_by}")
    return _changed(session, identity, "revoked", row, now, revocation_reason=reason)


def list_acceptances(session: Session, model_name: str, params: PageParams) -> Page[AcceptanceOut]:
    """Newest first, ended ones too."""
    model, now = find_model(session, model_name), utcnow()
    rows, following = paginate(session, queries.of_model(model.id), col(Acceptance.id), params)
    return Page(items=[_out(row, model, now) for row in rows], next_cursor=following)


def _require_sense(session: Session, model: Model, given: AcceptanceIn) -> None:
    if given.test_id not in BY_ID:
        raise _wrong("test_id", f"{given.test_id!r} is not a test of the rubric{nearest(given.test_id, BY_ID)}")
    if given.kind == "not_applicable":
        if given.subject:
            raise _wrong("subject", "a whole test does not apply, or it does: leave the subject out")
        return
    if given.test_id not in ACCEPTABLE:
        raise _wrong("test_id", f"{given.test_id} knows no acceptances; {', '.join(ACCEPTABLE)} do")
    if not given.subject:
        raise _wrong("subject", "name the feature or column that is to be accepted")
    version = newest_version(session, model.id)
    features = [one["name"] for one in version.manifest["features"]] if version else []
    if given.test_id in OF_FEATURES and given.subject not in features:
        raise _wrong(
            "subject", f"{given.subject!r} is not a feature of the model{nearest(given.subject, features)}"
        )


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(path, message)])


def _find(session: Session, acceptance_id: int) -> Acceptance:
    row = session.get(Acceptance, acceptance_id)
    if row is None:
        raise NotFound(f"there is no acceptance {acceptance_id}")
    return row


def _changed(
    session: Session, identity: Identity, what: str, row: Acceptance, now: datetime, **more: str
) -> AcceptanceOut:
    session.refresh(row)
    _record(session, identity, what, row, **more)
    return _out(row, session.get_one(Model, row.model_id), now)


def _record(session: Session, identity: Identity, what: str, row: Acceptance, **more: str) -> None:
    details = {"kind": row.kind, "test": row.test_id, "of": row.subject, "requested_by": row.requested_by, **more}
    audit_log.record(session, identity.name, f"acceptance.{what}", f"acceptance/{row.id}", **details)


def _status(row: Acceptance, now: datetime) -> Status:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= now:
        return "expired"
    return "requested" if row.agreed_at is None else "agreed"


def _out(row: Acceptance, model: Model, now: datetime) -> AcceptanceOut:
    fields = row.model_dump(exclude={"model_id"})
    return AcceptanceOut(**fields, model=model.name, status=_status(row, now))
