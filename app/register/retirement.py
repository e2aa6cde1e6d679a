"""Retirement: a model that is not used any more is kept, and the gate lets nothing of it through."""

from __future__ import annotations

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.db import database_now
from app.errors import Conflict, FieldError, Forbidden, Invalid
from app.register import queries
from app.register.schemas import RetirementIn, RetirementOut
from app.tables import Model, Retirement


def retire(session: Session, model_name: str, identity: Identity, given: RetirementIn) -> RetirementOut:
    """Take a model out of use.

    Raises:
        NotFound: no such model or successor.
        Forbidden: a pipeline retires nothing.
        Conflict: it is retired already, or serves somewhere; with the places.
        Invalid: it cannot succeed itself, nor can a retired model.
    """
    model = _held(session, model_name, identity)
    if queries.retirement_of(session, model.id) is not None:
        raise Conflict(f"{model.name} is retired already")
    if places := queries.places_of(session, model.id):
        raise Conflict(f"{model.name} serves: {', '.join(places)}. End that first.")
    successor = _successor(session, model, given.successor)
    row = Retirement(
        model_id=model.id,
        successor_id=successor.id if successor else None,
        reason=given.reason,
        retired_at=database_now(session),
        retired_by=identity.name,
    )
    session.add(row)
    session.flush()
    _record(session, identity, "model.retired", model, given.reason, before=None, after=row.retired_at.isoformat())
    return _out(session, row, model)


def undo(session: Session, model_name: str, identity: Identity, reason: str) -> RetirementOut:
    """Take it into use again.

    Raises:
        NotFound: no such model.
        Forbidden: a pipeline does not do that.
        Conflict: it is not retired.
    """
    model = _held(session, model_name, identity)
    row = queries.retirement_of(session, model.id)
    if row is None:
        raise Conflict(f"{model.name} is not retired")
    row.undone_at, row.undone_by, row.undone_reason = database_now(session), identity.name, reason
    session.add(row)
    _record(session, identity, "model.unretired", model, reason, before=row.retired_at.isoformat(), after=None)
    return _out(session, row, model)


def _held(session: Session, model_name: str, identity: Identity) -> Model:
    """The model, against deployments that begin at the same time."""
    if identity.automatic:
        raise Forbidden("A person has to say that a model is retired, not a pipeline.")
    model = find_model(session, model_name)
    session.refresh(model, with_for_update=True)
    return model


def _successor(session: Session, model: Model, name: str | None) -> Model | None:
    if name is None:
        return None
    successor = find_model(session, name)
    if successor.id == model.id or queries.retirement_of(session, successor.id) is not None:
        message = f"{name} cannot succeed {model.name}: it is {'the same' if name == model.name else 'retired'}"
        raise Invalid(message, [FieldError("successor", message)])
    return successor


def _record(
    session: Session,
    identity: Identity,
    action: str,
    model: Model,
    reason: str,
    before: str | None,
    after: str | None,
) -> None:
    was, now = {"retired_at": before}, {"retired_at": after}
    audit_log.record(session, identity.name, action, f"model/{model.name}", before=was, after=now, reason=reason)


def _out(session: Session, row: Retirement, model: Model) -> RetirementOut:
    successor = session.get(Model, row.successor_id) if row.successor_id else None
    fields = row.model_dump(exclude={"id", "model_id", "successor_id"})
    return RetirementOut(**fields, model=model.name, successor=successor.name if successor else None)
