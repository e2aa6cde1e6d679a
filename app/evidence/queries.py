"""All SQL of handed-in evidence and attestations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from app.tables import Attestation, HandedInEvidence, Version


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


def of_model(
    session: Session, model_id: int, kind: str, as_of: datetime | None, most: int
) -> Sequence[HandedInEvidence]:
    """Evidence of a kind for any version of a model, what was handed in last first."""
    query = (
        select(HandedInEvidence)
        .join(Version, col(HandedInEvidence.version_id) == Version.id)
        .where(Version.model_id == model_id, HandedInEvidence.kind == kind)
    )
    if as_of is not None:
        query = query.where(HandedInEvidence.created_at <= as_of)
    return session.exec(query.order_by(col(HandedInEvidence.id).desc()).limit(most)).all()


def attestations_of(session: Session, version_id: int) -> Sequence[Attestation]:
    """Newest first."""
    return session.exec(
        select(Attestation).where(Attestation.version_id == version_id).order_by(col(Attestation.id).desc())
    ).all()
