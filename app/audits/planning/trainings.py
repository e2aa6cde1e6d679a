"""Whether the service trains a version by itself: only those of pipelines that its administrator names."""

from __future__ import annotations

from app.audits.attempt import Training
from app.config import Settings
from app.tables import Audit, Version

TRAINED_TWICE = "INFRA-1"


def training_of(audit: Audit, version: Version, settings: Settings) -> Training | None:
    """The command comes from the service's settings; a manifest only says which pipeline made the version."""
    pipeline = (version.manifest["version"].get("pipeline") or {}).get("name")
    if TRAINED_TWICE not in audit.checks or pipeline not in settings.train_twice:
        return None
    return Training(pipeline=pipeline, **settings.train_twice[pipeline].model_dump())
