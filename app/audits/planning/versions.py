"""The versions of a model that were served, each with its newest labelled traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session

from app.audits.attempt import Traffic
from app.audits.planning.traffic import traffic_files, window_of
from app.catalog import queries as catalog
from app.config import Settings
from app.evidence.blobs import BlobStore
from app.monitoring import queries
from app.monitoring.queries import Served
from app.tables import Audit, Dataset, Version

CORRELATION_TEST = "MODEL-2"
SPAN = timedelta(days=180)
"""As long as a finding of the test counts in full."""
MOST_VERSIONS = 30
MOST_LABELS = 10_000


@dataclass(frozen=True)
class ServedVersion:
    version: Version
    test: Dataset | None
    traffic: Traffic


def served_versions(
    session: Session, audit: Audit, blobs: BlobStore, settings: Settings, folder: Path
) -> Iterator[ServedVersion]:
    """Versions with labelled predictions in the audit's environment, whatever their role; newest first."""
    if audit.environment is None or CORRELATION_TEST not in audit.checks:
        return
    end = window_of(audit, settings)[1]
    everything = Served(audit.model_id, audit.environment, end - SPAN, end)
    for version in queries.versions_served(session, everything, MOST_VERSIONS):
        served = replace(everything, version_id=version.id)
        newest = queries.newest_labels_of(session, served, MOST_LABELS)
        if not newest:
            continue
        served = replace(served, start=min(at for _, _, at in newest))
        labels = {one: value for one, value, _ in newest}
        traffic = traffic_files(session, served, labels, blobs, folder / f"labels-{version.id}.parquet")
        yield ServedVersion(version, catalog.datasets_of(session, version.id).get("test"), traffic)
