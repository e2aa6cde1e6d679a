"""All SQL of handed-in evidence and attestations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.tables import Attestation, HandedInEvidence


def same_evidence(
    session: Session, version_id: int, kind: str, digest: str, *, automatic: bool
) -> HandedInEvidence | None:
    return session.exec(
        select(HandedInEvidence).where(
            HandedInEvidence.version_id == version_id,
            HandedInEvidence.kind == kind,
            HandedInEvidence.digest == digest,
            HandedInEvidence.automatic == automatic,
        )
    ).first()


def evidence_of(session: Session, version_id: int) -> Sequence[HandedInEvidence]:
    """Newest first."""
    return session.exec(
        select(HandedInEvidence)
        .where(HandedInEvidence.version_id == version_id)
        .order_by(col(HandedInEvidence.id).desc())
    ).all()


def attestations_of(session: Session, version_id: int) -> Sequence[Attestation]:
    """Newest first."""
    return session.exec(
        select(Attestation).where(Attestation.version_id == version_id).order_by(col(Attestation.id).desc())
    ).all()
