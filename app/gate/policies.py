"""Policies in the database: immutable versions, the newest of a name is the one that counts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.access import audit_log
from app.catalog import organisation, yamlfile
from app.errors import Conflict, FieldError, NotFound, nearest
from app.gate import document, queries
from app.tables import Policy

DEFAULTS = Path(__file__).parent / "defaults"
SHIPPED_BY = "assay"


def find_policy(session: Session, name: str, version: int | None = None) -> Policy:
    """The newest version of a policy, or the one that is asked for. NotFound names what there is."""
    newest = queries.newest_policy(session, name)
    if newest is None:
        known = queries.policy_names(session)
        raise NotFound(f"there is no policy {name!r}{nearest(name, known)}; there are {', '.join(known) or 'none'}")
    if version is None or version == newest.version:
        return newest
    found = queries.policy_version(session, name, version)
    if found is None:
        raise NotFound(f"the policy {name!r} has no version {version}; its newest is {newest.version}")
    return found


def write_policy(session: Session, name: str, text: str, actor: str) -> tuple[Policy, bool]:
    """Store a policy as the next version of its name; the newest version's own text again changes nothing.

    Returns:
        The version that counts now, and whether it is new.

    Raises:
        Invalid: the text is not a valid policy of that name; with lines.
        Conflict: somebody else wrote a version at the same time.
    """
    require_valid(name, text, f"{name}.yaml")
    digest = hashlib.sha256(text.encode()).hexdigest()
    newest = queries.newest_policy(session, name)
    if newest is not None and newest.digest == digest:
        return newest, False
    version = newest.version + 1 if newest else 1
    row = Policy(name=name, version=version, text=text, digest=digest, created_by=actor)
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"somebody else has just written version {version} of {name!r}; read it first") from None
    audit_log.record(session, actor, "policy.write", f"policy/{name}", version=version, digest=digest)
    return row, True


def install_defaults(session: Session) -> None:
    """Store the shipped policies of which there is no version yet. What somebody wrote is never replaced."""
    present = queries.policy_names(session)
    for file in sorted(DEFAULTS.glob("*.yaml")):
        if file.stem not in present:
            write_policy(session, file.stem, file.read_text(encoding="utf-8"), SHIPPED_BY)


def require_valid(name: str, text: str, filename: str) -> None:
    """Raises Invalid, with lines, unless ``text`` is a policy of that name."""
    if name == organisation.NAME:
        organisation.parse(text, filename)
        return
    written = document.parse(text, filename).name
    if written != name:
        line = yamlfile.load(text, filename)[1].get("name")
        message = f"is {written!r}, and this policy is called {name!r}"
        raise yamlfile.refuse(filename, [FieldError("name", message, line)])
