"""Registration: one manifest and its files become a version, once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app import validation
from app.access import audit_log
from app.access.identity import Identity
from app.access.teams import team_for
from app.catalog import datasets, queries, yamlfile
from app.catalog.differences import differences
from app.catalog.handed_in import inspect_evidence
from app.catalog.inspection import ModelFacts, inspect_model
from app.catalog.manifest import Manifest, find_contradictions
from app.catalog.names import require_free
from app.catalog.schedules import require_cron, set_schedule
from app.catalog.schemas import RegistrationIn
from app.config import Settings
from app.db import Database
from app.errors import Conflict, FieldError, nearest
from app.evidence import service as evidence
from app.evidence.blobs import BlobStore
from app.tables import Dataset, Model, Pipeline, Version, VersionDataset


@dataclass(frozen=True)
class Registration:
    """A manifest with the digests of its files: what identifies a version."""

    manifest: Manifest
    files: dict[str, str]

    @property
    def content(self) -> dict[str, Any]:
        return {**self.manifest.content, "files": self.files}

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()


def register(
    db: Database, blobs: BlobStore, settings: Settings, identity: Identity, given: RegistrationIn
) -> tuple[Version, bool]:
    """Register a version and hand in its evidence; a second time changes nothing.

    Files are looked into between two transactions, because that takes seconds.

    Returns:
        The version, and whether it is new.

    Raises:
        Invalid: the manifest, a file or the two together make no sense.
        Conflict: the version is registered with other content; the message names the difference.
    """
    manifest = _validated(given.manifest)
    sources = datasets.locate(manifest, given.files, blobs, settings)
    artifact = given.files.get("artifact")
    files = {role: source.digest for role, source in sources.items()}
    registration = Registration(manifest, files | ({"artifact": artifact.digest} if artifact else {}))
    with db.write() as session:
        if version := _existing(session, registration):
            _hand_in(session, version, identity, given, blobs)
            return version, False
    for item in given.evidence:
        inspect_evidence(item, manifest, blobs, settings)
    with db.read() as session:
        known = {role: queries.dataset_with(session, s.digest, s.location) for role, s in sources.items()}
    rows = {role: known[role] or datasets.inspect(source, settings) for role, source in sources.items()}
    facts = inspect_model(blobs.path(artifact.digest), artifact.filename, settings) if artifact else None
    _require_fit(manifest, rows, facts)
    if manifest.model.audit_cron:
        require_cron(manifest.model.audit_cron)
    try:
        with db.write() as session:
            version = _store(session, registration, rows, facts, identity)
            _hand_in(session, version, identity, given, blobs)
            return version, True
    except IntegrityError:  # somebody registered the same name in the meantime
        with db.write() as session:
            if version := _existing(session, registration):
                return version, False
            raise


def _validated(data: dict[str, Any]) -> Manifest:
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise yamlfile.refuse("manifest", validation.explain(error, Manifest)) from None
    if found := find_contradictions(manifest):
        raise yamlfile.refuse("manifest", found)
    return manifest


def _existing(session: Session, registration: Registration) -> Version | None:
    manifest = registration.manifest
    model = queries.model_named(session, manifest.model.name)
    if model is None:
        return None
    if model.task != manifest.model.task:
        raise Conflict(
            f"{model.name} is a {model.task} model; another task makes it another model: choose another name",
            [FieldError("model.task", f"registered as {model.task}, now {manifest.model.task}")],
        )
    version = queries.version_named(session, model, manifest.version.name)
    if version is None or version.content_digest == registration.digest:
        return version
    known = Registration(Manifest.model_validate(version.manifest), version.files)  # keys may have come since
    found = [FieldError(path, message) for path, message in differences(known.content, registration.content)]
    if not found:
        return version
    listed = "; ".join(f"{error.path}: {error.message}" for error in found[:10])
    raise Conflict(
        f"{model.name} {version.name} is already registered with other content; a changed model needs a new "
        f"version name. Different: {listed}",
        found,
    )


def _require_fit(manifest: Manifest, rows: dict[str, Dataset], facts: ModelFacts | None) -> None:
    """Refuse what could never be audited: no label, no predictions, a model of other inputs."""
    columns = manifest.columns
    needed: dict[str, list[str | None]] = {
        "train": [columns.label],
        "test": [columns.label, columns.prediction, columns.probability, columns.id, columns.time],
    }
    needed["test"] += [*manifest.sensitive, *(name for part in manifest.slices for name in part.where)]
    problems = [
        FieldError(f"data.{role}", f"has no column {name!r}{nearest(name, rows[role].columns)}")
        for role, names in needed.items()
        for name in names
        if name is not None and name not in rows[role].columns
    ]
    declared = [feature.name for feature in manifest.features]
    if facts and facts.n_features not in {None, len(declared)}:
        problems.append(
            FieldError("features", f"{len(declared)} are declared, but the model takes {facts.n_features}")
        )
    elif facts and facts.feature_names and (wrong := _misplaced(declared, facts)):
        first = wrong[0]
        message = f"is {declared[first]!r}, but the model's input at this place is {facts.feature_names[first]!r}"
        problems.append(FieldError(f"features.{first}.name", message))
    if problems:
        raise yamlfile.refuse("manifest", problems)


def _misplaced(declared: list[str], facts: ModelFacts) -> list[int]:
    """Positions of features that the model does not take there; ONNX takes named inputs in any order."""
    known = facts.feature_names or []
    if facts.format == "onnx":
        return [i for i, name in enumerate(declared) if name not in known]
    return [i for i, name in enumerate(declared) if name != known[i]]


def _store(
    session: Session,
    registration: Registration,
    rows: dict[str, Dataset],
    facts: ModelFacts | None,
    identity: Identity,
) -> Version:
    manifest = registration.manifest
    model = _upsert_model(session, manifest, identity)
    part = manifest.version
    version = Version(
        model_id=model.id,
        name=part.name,
        manifest=manifest.content,
        files=registration.files,
        content_digest=registration.digest,
        artifact_digest=registration.files.get("artifact"),
        artifact_format=facts.format if facts else None,
        model_class=facts.model_class if facts else None,
        commit=part.commit,
        change_reason=part.change_reason,
        pipeline_id=_pipeline_id(session, manifest, model),
        created_by=identity.name,
    )
    session.add(version)
    session.flush()
    for role, row in rows.items():
        dataset = queries.dataset_with(session, row.digest, row.location) or row
        session.add(dataset)
        session.flush()
        session.add(VersionDataset(version_id=version.id, role=role, dataset_id=dataset.id))
    details = {"content_digest": version.content_digest, "change_reason": part.change_reason}
    audit_log.record(session, identity.name, "version.registered", f"{model.name}@{version.name}", **details)
    return version


def _upsert_model(session: Session, manifest: Manifest, identity: Identity) -> Model:
    part = manifest.model
    described = part.model_dump(mode="json", exclude={"name", "audit_cron"})
    model = queries.model_named(session, part.name)
    if model is None:
        require_free(session, Model, part.name, "model.name")
        team_id = team_for(session, part.owner, identity.reach)
        model = Model(name=part.name, created_by=identity.name, team_id=team_id, **described)
    for field, value in described.items():
        setattr(model, field, value)
    session.add(model)
    session.flush()
    if part.audit_cron:
        set_schedule(session, model, part.audit_cron)
    return model


def _pipeline_id(session: Session, manifest: Manifest, model: Model) -> int | None:
    if manifest.version.pipeline is None:
        return None
    name = manifest.version.pipeline.name
    pipeline = queries.readable_pipeline(session, name)
    if pipeline is None:
        require_free(session, Pipeline, name, "version.pipeline.name")
        pipeline = Pipeline(name=name, team_id=model.team_id)
        session.add(pipeline)
        session.flush()
    return pipeline.id


def _hand_in(
    session: Session, version: Version, identity: Identity, given: RegistrationIn, blobs: BlobStore
) -> None:
    for item in given.evidence:
        evidence.hand_in(session, version, identity, item, blobs)
