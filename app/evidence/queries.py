"""All SQL of handed-in evidence and attestations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from app.tables import Attestation, HandedInEvidence, Measurement


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


def newest_measurement(
    session: Session, model_id: int, name: str, as_of: datetime
) -> tuple[Measurement, HandedInEvidence] | None:
    """What was measured last, among what was handed in by then."""
    query = (
        select(Measurement, HandedInEvidence)
        .join(HandedInEvidence, col(HandedInEvidence.id) == Measurement.evidence_id)
        .where(Measurement.model_id == model_id, Measurement.name == name, HandedInEvidence.created_at <= as_of)
        .order_by(col(Measurement.at).desc(), col(Measurement.evidence_id).desc())
    )
    return session.exec(query.limit(1)).first()


def measured_names(session: Session, model_id: int, as_of: datetime) -> Sequence[str]:
    query = (
        select(Measurement.name)
        .join(HandedInEvidence, col(HandedInEvidence.id) == Measurement.evidence_id)
        .where(Measurement.model_id == model_id, HandedInEvidence.created_at <= as_of)
    )
    return session.exec(query.distinct().order_by(Measurement.name)).all()


def attestations_of(session: Session, version_id: int) -> Sequence[Attestation]:
    """Newest first."""
    return session.exec(
        select(Attestation).where(Attestation.version_id == version_id).order_by(col(Attestation.id).desc())
    ).all()
