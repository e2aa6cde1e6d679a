"""What is known of a model's ageing: earlier versions of one recipe, and the limit that was measured."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from app.audits.attempt import Staleness
from app.tables import Audit, Dataset, Finding, Version, VersionDataset
from checks.model.staleness_impact import StalenessImpact, limit_of

STALENESS_TEST = StalenessImpact.id
MOST_VERSIONS = 12
_SEARCHED = 100


def same_recipe(session: Session, version: Version) -> list[tuple[Version, Dataset | None]]:
    """Earlier versions of the same recipe that can predict, newest first, with their training data."""
    query = select(Version).where(
        Version.model_id == version.model_id,
        col(Version.id) < version.id,
        col(Version.artifact_digest).is_not(None),
    )
    earlier = session.exec(query.order_by(col(Version.id).desc()).limit(_SEARCHED)).all()
    found = [one for one in earlier if _recipe(one) == _recipe(version)][:MOST_VERSIONS]
    trained = (
        select(VersionDataset.version_id, Dataset)
        .join(Dataset, col(VersionDataset.dataset_id) == Dataset.id)
        .where(VersionDataset.role == "train", col(VersionDataset.version_id).in_([one.id for one in found]))
    )
    data = dict(session.exec(trained).all())
    return [(one, data.get(one.id)) for one in found]


def _recipe(version: Version) -> tuple[Any, ...]:
    part = version.manifest["version"]
    features = [feature["name"] for feature in version.manifest["features"]]
    return version.model_class, features, part.get("tunables"), part.get("pipeline")


def staleness_of(session: Session, audit: Audit) -> Staleness | None:
    """What the model's newest conclusive finding of MODEL-4 allows, on whatever version, when this was queued."""
    query = select(Finding).where(
        Finding.model_id == audit.model_id,
        Finding.check_id == STALENESS_TEST,
        col(Finding.verdict).in_(("pass", "fail")),
        Finding.created_at <= audit.created_at,
    )
    finding = session.exec(query.order_by(col(Finding.created_at).desc(), col(Finding.id).desc()).limit(1)).first()
    if finding is None:
        return None
    days, lost = limit_of(finding.measured, finding.thresholds)
    return Staleness(days=days, lost=lost, finding_id=finding.id)
