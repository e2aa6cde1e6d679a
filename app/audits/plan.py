"""Gathers from database and store what an attempt at an audit needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from sqlmodel import Session

from app.acceptances import queries as acceptances
from app.audits import queries
from app.audits.attempt import (
    Accepted,
    Attempt,
    DataFile,
    EarlierSubject,
    File,
    HandedInFile,
    OlderSubject,
    ServedSubject,
    Subject,
)
from app.audits.planning.ages import STALENESS_TEST, same_recipe, staleness_of
from app.audits.planning.canary import canary_of
from app.audits.planning.dependencies import dependencies_of
from app.audits.planning.features import features_of
from app.audits.planning.forgotten import forgotten_of
from app.audits.planning.operation import operation_of
from app.audits.planning.traffic import traffic_of, window_of
from app.audits.planning.trainings import training_of
from app.audits.planning.versions import served_versions
from app.catalog import organisation
from app.catalog import queries as catalog
from app.catalog.datasets import dataset_path
from app.config import Settings
from app.errors import NotFound
from app.evidence import queries as evidence
from app.evidence.blobs import BlobStore
from app.evidence.service import cap_of
from app.tables import Audit, Dataset, Version

SERVING = ("prediction_memory_mb", "prediction_seconds")


def plan(session: Session, audit: Audit, blobs: BlobStore, settings: Settings, folder: Path) -> Attempt:
    """Everything that the audit's checks may ask for, as files and plain values.

    ``folder`` is the attempt's own: files that have to be made for it lie there.
    """
    _, version = queries.subject_of(session, audit)
    policy = organisation.newest(session)
    datasets = catalog.datasets_of(session, version.id)
    moment = audit.window_end or audit.created_at
    return Attempt(
        checks=audit.checks,
        moment=moment,
        subject=Subject(**_subject(version, blobs)),
        datasets={role: _data_file(dataset, blobs, settings) for role, dataset in datasets.items()},
        handed_in=_handed_in(session, version, blobs),
        earlier=_earlier(session, audit, version, blobs),
        organisation=asdict(organisation.parse(policy.text)) if policy else None,
        organisation_digest=policy.digest if policy else None,
        acceptances=_accepted(session, audit),
        forgotten=forgotten_of(session, audit),
        dependencies=dependencies_of(session, audit, moment),
        same_recipe=_same_recipe(session, audit, version, blobs, settings),
        served_versions=_served_versions(session, audit, blobs, settings, folder),
        features=features_of(session, audit, version, audit.window_end or audit.created_at),
        staleness=staleness_of(session, audit),
        training=training_of(audit, version, settings),
        traffic=traffic_of(session, audit, blobs, settings, folder),
        engines=str(settings.engines_folder),
        canary=canary_of(session, audit, blobs, moment) if audit.environment else None,
        serving={name: getattr(settings, name) for name in SERVING},
        operation=operation_of(session, audit, blobs, *window_of(audit, settings)) if audit.environment else None,
    )


def _accepted(session: Session, audit: Audit) -> list[Accepted]:
    held = acceptances.holding(session, audit.model_id, "acceptance", audit.created_at)
    return [Accepted(**one.model_dump(include=set(Accepted.model_fields))) for one in held]


def _subject(version: Version, blobs: BlobStore) -> dict[str, object]:
    digest, form = version.artifact_digest, version.artifact_format or ""
    artifact = _file(digest, form, blobs) if digest else None
    return {"manifest": version.manifest, "model_class": version.model_class, "artifact": artifact}


def _file(digest: str, form: str, blobs: BlobStore) -> File:
    try:
        return File(path=str(blobs.path(digest)), format=form, digest=digest)
    except NotFound as error:
        return File(path=None, format=form, digest=digest, problem=error.detail)


def _data_file(dataset: Dataset, blobs: BlobStore, settings: Settings) -> DataFile:
    path, problem = None, ""
    try:
        path = str(dataset_path(dataset, blobs, settings))
    except NotFound as error:
        problem = error.detail
    return DataFile(
        path=path, format=dataset.format, digest=dataset.digest, problem=problem, location=dataset.location
    )


def _handed_in(session: Session, version: Version, blobs: BlobStore) -> dict[str, list[HandedInFile]]:
    """By kind, newest first."""
    found: dict[str, list[HandedInFile]] = {}
    for row in evidence.evidence_of(session, version.id):
        file = _file(row.digest, row.kind, blobs).model_dump()
        found.setdefault(row.kind, []).append(HandedInFile(**file, cap=cap_of(row, version)))
    return found


def _same_recipe(
    session: Session, audit: Audit, version: Version, blobs: BlobStore, settings: Settings
) -> list[OlderSubject]:
    if STALENESS_TEST not in audit.checks:
        return []
    return [
        OlderSubject(
            **_subject(one, blobs),
            name=one.name,
            train=_data_file(train, blobs, settings) if train else None,
        )
        for one, train in same_recipe(session, version)
    ]


def _served_versions(
    session: Session, audit: Audit, blobs: BlobStore, settings: Settings, folder: Path
) -> list[ServedSubject]:
    return [
        ServedSubject(
            **_subject(one.version, blobs),
            name=one.version.name,
            test=_data_file(one.test, blobs, settings) if one.test else None,
            traffic=one.traffic,
        )
        for one in served_versions(session, audit, blobs, settings, folder)
    ]


def _earlier(session: Session, audit: Audit, version: Version, blobs: BlobStore) -> list[EarlierSubject]:
    """The newest earlier versions and the incumbent, newest first."""
    newest = queries.earlier_versions(session, version)
    incumbent = queries.incumbent_of(session, version, audit.environment)
    others = {one.id: one for one in [*newest, *([incumbent] if incumbent else [])]}
    rescored = {one.id for one in newest}
    return [
        EarlierSubject(
            **_subject(one, blobs),
            name=one.name,
            incumbent=incumbent is not None and one.id == incumbent.id,
            rescored=one.id in rescored,
        )
        for one in sorted(others.values(), key=lambda other: other.id, reverse=True)
    ]
