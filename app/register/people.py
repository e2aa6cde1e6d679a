"""Who may judge work on a model: somebody else than those who made it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from app.access.identity import Identity
from app.catalog.queries import newest_version
from app.errors import Forbidden
from app.tables import Model, Version


def makers(session: Session, model: Model, version_id: int | None) -> set[str]:
    """The model's owner and whoever registered the version (None: the newest one)."""
    version = session.get(Version, version_id) if version_id else newest_version(session, model.id)
    return {model.owner} | ({version.created_by} if version else set())


def require_other(identity: Identity, not_these: Iterable[str | None], what: str, *more: str) -> None:
    """Raises Forbidden where ``identity`` is one of them, or a pipeline. Case does not make another person.

    ``more``: names beside the identity's own that must be somebody else's too.
    """
    if identity.automatic:
        raise Forbidden(f"A person has to {what}, not a pipeline.")
    taken = {_plain(name) for name in not_these if name}
    for name in (identity.name, *more):
        if _plain(name) in taken:
            raise Forbidden(f"It takes another person to {what}: {name} worked on it.")


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
