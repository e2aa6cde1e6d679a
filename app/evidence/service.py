"""Evidence that comes from outside: files handed in for a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.errors import Conflict, FieldError, Invalid
from app.evidence import measured, queries
from app.evidence.blobs import BlobStore
from app.evidence.kinds import KINDS, MEGABYTE, EvidenceKind
from app.evidence.measurements import MeasurementsForm
from app.tables import HandedInEvidence, Version


class HandedInFile(Protocol):
    """A file of a kind, uploaded before as a blob; ``commit`` is the one it was made from, if known."""

    kind: EvidenceKind
    digest: str
    filename: str
    commit: str | None


def hand_in(
    session: Session, version: Version, identity: Identity, given: HandedInFile, blobs: BlobStore
) -> HandedInEvidence:
    """Attach an uploaded file to a version; the same file from the same kind of identity only once.

    Raises:
        Conflict: it was made from another commit than the version; both are named.
        Invalid: the file is not what its kind says.
        NotFound: nothing was uploaded under that digest.
    """
    path = blobs.path(given.digest)
    require_size(given, path)
    parsed = _parsed(given, path)
    commit = _commit_of(given, parsed)
    _require_commit(version, commit)
    if known := queries.same_evidence(session, version.id, given.kind, given.digest, automatic=identity.automatic):
        return _tied(session, known, commit, identity)
    row = HandedInEvidence(
        version_id=version.id,
        kind=given.kind,
        digest=given.digest,
        filename=given.filename,
        commit=commit,
        actor=identity.name,
        automatic=identity.automatic,
    )
    session.add(row)
    audit_log.record(session, identity.name, "evidence.handed_in", f"version/{version.id}", digest=given.digest)
    session.flush()
    if isinstance(parsed, MeasurementsForm):
        session.add(measured.row_of(row, version.model_id, parsed))
    return row


def _tied(session: Session, known: HandedInEvidence, commit: str | None, identity: Identity) -> HandedInEvidence:
    """The same file again: what was handed in without its commit is tied to it now."""
    if known.commit is None and commit is not None:
        known.commit = commit
        session.add(known)
        audit_log.record(session, identity.name, "evidence.tied", f"evidence/{known.id}", commit=commit)
        session.flush()
    return known


def _parsed(given: HandedInFile, path: Path) -> Any:
    """What the file says; None where nobody reads its kind. Raises Invalid when it is not what its kind says."""
    parse = KINDS[given.kind].parse
    return parse(path.read_bytes()) if parse else None


def _commit_of(given: HandedInFile, parsed: Any) -> str | None:
    """The commit that the file is about: its own word where its kind has one, else what was said with it.

    Raises Conflict when they differ; both are named.
    """
    commit_of = KINDS[given.kind].commit_of
    if commit_of is None:
        return given.commit
    own = commit_of(parsed)
    if given.commit and not _same(given.commit, own):
        raise _conflict(f"the evidence is about commit {own}, and was handed in as made from {given.commit}")
    return own


def require_size(given: HandedInFile, path: Path) -> None:
    """Raises Invalid when the file is larger than its kind may be."""
    most = KINDS[given.kind].most
    if path.stat().st_size > most:
        raise Invalid(f"{given.filename}: evidence of this kind may have {most // MEGABYTE} MB at most")


def _require_commit(version: Version, commit: str | None) -> None:
    if commit and version.commit and not _same(commit, version.commit):
        raise _conflict(f"the evidence was made from commit {commit}, the version from {version.commit}")


def _same(one: str, other: str) -> bool:
    """Abbreviated commits are the same when one opens the other."""
    return one.startswith(other) or other.startswith(one)


def _conflict(message: str) -> Conflict:
    return Conflict(message, [FieldError("commit", message)])


def cap_of(row: HandedInEvidence, version: Version) -> str | None:
    """Why this evidence earns 0.5 at most, or None when it counts in full."""
    if not row.automatic:
        return f"handed in by {row.actor}, who does not have the ci role"
    if row.commit is None or version.commit is None:
        return "its commit cannot be tied to the version"
    return None
