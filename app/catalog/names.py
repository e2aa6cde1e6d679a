"""Names are the organisation's: no two models and no two pipelines have the same one, whosever they are."""

from __future__ import annotations

from sqlmodel import Session

from app.catalog import queries
from app.errors import Conflict, FieldError
from app.tables import Model, Pipeline


def require_free(session: Session, table: type[Model | Pipeline], name: str, field: str) -> None:
    """Raises Conflict where a team that whoever asks does not see has taken the name."""
    if queries.is_taken(session, table, name):
        message = f"the name {name!r} is taken; choose another"
        raise Conflict(message, [FieldError(field, message)])
