"""All SQL of audits but the ledger's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, or_
from sqlmodel import Session, col, select

from app.errors import NotFound
from app.paging import PageParams, paginate
from app.tables import Audit, Decision, Deployment, Finding, Model, Version

EARLIER_VERSIONS = 5
"""How many earlier versions are re-scored."""
PRODUCTION = "production"


@dataclass(frozen=True)
class Filters:
    model: str | None = None
    version: str | None = None
    status: str | None = None


def get_audit(session: Session, audit_id: int) -> Audit:
    """Raises NotFound."""
    if audit := session.get(Audit, audit_id):
        return audit
    raise NotFound(f"there is no audit {audit_id}")


def get_finding(session: Session, finding_id: int) -> Finding:
    """Raises NotFound."""
    if finding := session.get(Finding, finding_id):
        return finding
    raise NotFound(f"there is no finding {finding_id}")


def audits_page(session: Session, filters: Filters, params: PageParams) -> tuple[list[Audit], str | None]:
    """One page, newest first, and the next cursor."""
    query = select(Audit)
    if filters.model is not None:
        query = query.join(Model, col(Audit.model_id) == Model.id).where(Model.name == filters.model)
    if filters.version is not None:
        query = query.join(Version, col(Audit.version_id) == Version.id).where(Version.name == filters.version)
    if filters.status is not None:
        query = query.where(Audit.status == filters.status)
    return paginate(session, query, col(Audit.id), params)


def names_of(session: Session, version_ids: set[int]) -> dict[int, tuple[str, str]]:
    """(model, version) by version id."""
    query = (
        select(Version.id, Model.name, Version.name)
        .join(Model, col(Version.model_id) == Model.id)
        .where(col(Version.id).in_(version_ids))
    )
    return {version_id: (model, version) for version_id, model, version in session.exec(query)}


def findings_of(session: Session, audit_id: int) -> Sequence[Finding]:
    return session.exec(select(Finding).where(Finding.audit_id == audit_id).order_by(col(Finding.id))).all()


def subject_of(session: Session, audit: Audit) -> tuple[Model, Version]:
    """The version that the audit is about, and its model."""
    query = select(Model, Version).join(Version, col(Version.model_id) == Model.id)
    return session.exec(query.where(Version.id == audit.version_id)).one()


def earlier_versions(session: Session, version: Version) -> Sequence[Version]:
    """The newest earlier versions that can predict, newest first."""
    query = select(Version).where(
        Version.model_id == version.model_id,
        col(Version.id) < version.id,
        col(Version.artifact_digest).is_not(None),
    )
    return session.exec(query.order_by(col(Version.id).desc()).limit(EARLIER_VERSIONS)).all()


def incumbent_of(session: Session, version: Version, environment: str | None = None) -> Version | None:
    """The version that this one would replace: what takes the stable traffic of the environment (None: production),
    or did last; where nothing was ever stable, the newest earlier one that the gate let pass.
    """
    return _stable_in(session, version, environment or PRODUCTION) or _newest_passed(session, version)


def _stable_in(session: Session, version: Version, environment: str) -> Version | None:
    """One that was rolled back from serves no more, and is nothing to be measured by."""
    ended = col(Deployment.ended_at)
    query = (
        select(Version)
        .join(Deployment, col(Deployment.version_id) == Version.id)
        .where(
            Deployment.model_id == version.model_id,
            Deployment.environment == environment,
            Deployment.role == "stable",
            Deployment.version_id != version.id,
            or_(ended.is_(None), col(Deployment.outcome) != "rolled_back"),
        )
        .order_by(case((ended.is_(None), 0), else_=1), col(Deployment.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def _newest_passed(session: Session, version: Version) -> Version | None:
    """Into production if any went there."""
    query = (
        select(Version)
        .join(Decision, col(Decision.version_id) == Version.id)
        .where(
            Version.model_id == version.model_id,
            col(Version.id) < version.id,
            Decision.status == "pass",
        )
        .order_by(case((col(Decision.environment) == PRODUCTION, 0), else_=1), col(Version.id).desc())
        .limit(1)
    )
    return session.exec(query).first()
