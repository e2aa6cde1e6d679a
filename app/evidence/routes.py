"""Evidence handed in for a version, and attestations."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.access.idempotency import once, remember
from app.catalog.handed_in import inspect_evidence
from app.catalog.manifest import Manifest
from app.catalog.queries import find_version
from app.catalog.schemas import EvidenceIn
from app.deps import (
    Blobs,
    CanAttest,
    CanPushEvidence,
    CanRead,
    Config,
    Db,
    IdempotencyKeyHeader,
    ReadSession,
    WriteSession,
)
from app.errors import NotFound
from app.evidence import queries, service
from app.evidence.attestations import attest
from app.evidence.schemas import AttestationIn, AttestationOut, EvidenceOut
from app.register.following import note_attestation
from app.tables import Attestation, HandedInEvidence, Model, Version

router = APIRouter(tags=["evidence"])

VERSION = "/models/{model}/versions/{version}"


@router.post(VERSION + "/evidence", status_code=201, summary="Hand in an uploaded file for a version")
def push_evidence(
    model: str,
    version: str,
    given: EvidenceIn,
    db: Db,
    blobs: Blobs,
    config: Config,
    identity: CanPushEvidence,
) -> EvidenceOut:
    """Idempotent. A commit that is not the version's is refused with both named (409)."""
    with db.read() as session:
        manifest = Manifest.model_validate(find_version(session, model, version)[1].manifest)
    inspect_evidence(given, manifest, blobs, config)
    with db.write() as session:
        found = find_version(session, model, version)[1]
        return _evidence_out(service.hand_in(session, found, identity, given, blobs), found)


@router.get(VERSION + "/evidence", summary="What was handed in for a version, newest first")
def list_evidence(model: str, version: str, session: ReadSession, _: CanRead) -> list[EvidenceOut]:
    found = find_version(session, model, version)[1]
    return [_evidence_out(row, found) for row in queries.evidence_of(session, found.id)]


@router.get("/evidence/{evidence_id}/content", summary="A handed-in file, as plain text")
def read_evidence(evidence_id: int, session: ReadSession, blobs: Blobs, _: CanRead) -> Response:
    row = session.get(HandedInEvidence, evidence_id)
    if row is None:
        raise NotFound(f"there is no evidence {evidence_id}")
    return untrusted_text(blobs.read(row.digest))


@router.post(VERSION + "/attestations", status_code=201, summary="Attest a manual test")
def make_attestation(
    model: str,
    version: str,
    given: AttestationIn,
    session: WriteSession,
    blobs: Blobs,
    config: Config,
    identity: CanAttest,
    key: IdempotencyKeyHeader = None,
) -> AttestationOut:
    row, found = find_version(session, model, version)
    request = {"model": model, "version": version, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, request)) is not None:
        return _attestation_out(session.get_one(Attestation, known), row, found)
    made = attest(session, row, found, identity, given, blobs)
    note_attestation(session, made, config)
    remember(session, identity, key, request, made.id)
    return _attestation_out(made, row, found)


@router.get(VERSION + "/attestations", summary="Attestations made on a version, newest first")
def list_attestations(model: str, version: str, session: ReadSession, _: CanRead) -> list[AttestationOut]:
    row, found = find_version(session, model, version)
    return [_attestation_out(made, row, found) for made in queries.attestations_of(session, found.id)]


def untrusted_text(content: bytes) -> Response:
    """Bytes that came from outside, shown by a browser as text and never as anything else."""
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)


def _evidence_out(row: HandedInEvidence, version: Version) -> EvidenceOut:
    return EvidenceOut(**row.model_dump(exclude={"version_id"}), cap=service.cap_of(row, version))


def _attestation_out(row: Attestation, model: Model, version: Version) -> AttestationOut:
    exclude = {"model_id", "version_id"}
    return AttestationOut(**row.model_dump(exclude=exclude), model=model.name, version=version.name)
