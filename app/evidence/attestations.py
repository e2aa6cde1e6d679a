"""Attestations: a person's documented manual test, worth 0.5 until it expires."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.db import utcnow
from app.errors import FieldError, Invalid, nearest
from app.evidence.blobs import BlobStore
from app.evidence.schemas import AttestationIn
from app.tables import Attestation, Model, Version
from checks.contract import Scope
from checks.rubric import BY_ID


def attest(
    session: Session, model: Model, version: Version, identity: Identity, given: AttestationIn, blobs: BlobStore
) -> Attestation:
    """Store an attestation for a version (or, for system tests, for the model in an environment).

    Raises:
        Invalid: unknown test, neither file nor link, an environment for a test that has none, or
            reservations about a failure.
        NotFound: the file was not uploaded.
    """
    _require_sense(given)
    if given.digest:
        blobs.path(given.digest)
    now = utcnow()
    row = Attestation(
        **given.model_dump(exclude={"expires_in_days", "reservations"}),
        reservations=given.reservations or "",
        model_id=model.id,
        version_id=version.id,
        created_by=identity.name,
        created_at=now,
        expires_at=now + timedelta(days=given.expires_in_days),
    )
    session.add(row)
    subject = f"{model.name}@{version.name}"
    details = {"test": given.test_id, "result": given.result, "reservations": given.reservations}
    audit_log.record(session, identity.name, "attestation.made", subject, **details)
    session.flush()
    return row


def _require_sense(given: AttestationIn) -> None:
    test = BY_ID.get(given.test_id)
    if test is None:
        message = f"{given.test_id!r} is not a test of the rubric{nearest(given.test_id, BY_ID)}"
        raise Invalid(message, [FieldError("test_id", message)])
    if given.reservations and given.result == "fail":
        message = "a test that failed needs no reservations: say in 'what' how it failed"
        raise Invalid(message, [FieldError("reservations", message)])
    if given.digest is None and given.link is None:
        message = "a documented test has a file or a link that shows its result"
        raise Invalid(message, [FieldError("link", message)])
    if given.environment and test.scope is Scope.VERSION:
        message = f"{test.id} is a test of a version and knows no environment"
        raise Invalid(message, [FieldError("environment", message)])
