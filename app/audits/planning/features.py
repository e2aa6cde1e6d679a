"""Which features of a version's signature came later than the first version that served, and when they served."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from app.audits.attempt import FeatureServed, FeaturesServed
from app.tables import Audit, Deployment, Version

LEAD_TIME_TEST = "DATA-6"


def features_of(session: Session, audit: Audit, version: Version, at: datetime) -> FeaturesServed | None:
    """As of ``at``, in the audit's environment; None for an audit that names none or does not ask.

    To serve is to have stable traffic; a drill is none. What the first version there had was not added.
    """
    if audit.environment is None or LEAD_TIME_TEST not in audit.checks:
        return None
    query = (
        select(Deployment.started_at, Version)
        .join(Version, col(Deployment.version_id) == Version.id)
        .where(
            Deployment.model_id == audit.model_id,
            Deployment.environment == audit.environment,
            Deployment.role == "stable",
            Deployment.kind != "drill",
            col(Deployment.started_at) <= at,
        )
        .order_by(col(Deployment.started_at), col(Deployment.id))
    )
    stays = session.exec(query).all()
    first: dict[str, FeatureServed] = {}
    for started_at, one in stays:
        for name in _names(one):
            first.setdefault(name, FeatureServed(feature=name, version=one.name, at=started_at))
    opened = set(_names(stays[0][1])) if stays else set[str]()
    added = [first.get(name) or FeatureServed(feature=name) for name in _names(version) if name not in opened]
    return FeaturesServed(
        environment=audit.environment, first_version=stays[0][1].name if stays else None, added=added
    )


def _names(version: Version) -> list[str]:
    return [feature["name"] for feature in version.manifest["features"]]
