"""Puts a history together from everything that the database knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.catalog.pipelines import form_of
from app.ledger import asked, observed, told
from app.ledger.history import (
    DecisionFact,
    DeploymentFact,
    FindingFact,
    History,
    ModelFact,
    OutageFact,
    PipelineFact,
    TrafficFact,
    TurnFact,
    ValidationFact,
    VersionFact,
)
from app.tables import (
    Alert,
    Dataset,
    Decision,
    Deployment,
    Finding,
    Model,
    Pipeline,
    PredictionBatch,
    Validation,
    Version,
    VersionDataset,
)


def of_models(
    session: Session, models: Sequence[Model], as_of: datetime, parts: Collection[str] | None = None
) -> History:
    """The history of models, and of the pipelines that make their versions or are declared to.

    Args:
        parts: names of what is looked at of a ``History``; the rest stays empty. By default everything.
    """
    names = {model.id: model.name for model in models}
    versions = _versions(session, names, as_of)
    made_by = {version.pipeline_id for version, _ in versions}
    pipelines = [
        row
        for row in session.exec(select(Pipeline).order_by(col(Pipeline.id)))
        if row.id in made_by or not set(names.values()).isdisjoint((row.declaration or {}).get("models", ()))
    ]
    return _history(session, models, pipelines, versions, as_of, parts)


def of_pipeline(
    session: Session, pipeline: Pipeline, as_of: datetime, parts: Collection[str] | None = None
) -> History:
    """As below, of one."""
    return of_pipelines(session, [pipeline], as_of, parts)


def of_pipelines(
    session: Session, pipelines: Sequence[Pipeline], as_of: datetime, parts: Collection[str] | None = None
) -> History:
    """The history of pipelines, and of the models whose versions they make or are declared to.

    ``parts``: as above.
    """
    made = select(Version.model_id).where(col(Version.pipeline_id).in_([row.id for row in pipelines]))
    declared = [name for row in pipelines for name in (row.declaration or {}).get("models", ())]
    query = select(Model).where(col(Model.id).in_(made) | col(Model.name).in_(declared))
    models = session.exec(query.order_by(col(Model.id))).all()
    versions = _versions(session, {model.id: model.name for model in models}, as_of)
    return _history(session, models, pipelines, versions, as_of, parts)


def _history(
    session: Session,
    models: Sequence[Model],
    pipelines: Sequence[Pipeline],
    versions: Sequence[tuple[Version, str]],
    as_of: datetime,
    parts: Collection[str] | None = None,
) -> History:
    names = {model.id: model.name for model in models}
    version_names = {version.id: version.name for version, _ in versions}
    pipeline_names = {row.id: row.name for row in pipelines}
    own: Mapping[str, Callable[[], Iterator[Any]]] = {
        "deployments": lambda: _deployments(session, names, version_names, as_of),
        "decisions": lambda: _decisions(session, names, version_names, as_of),
        "turns": lambda: _turns(session, names, as_of),
        "watched": lambda: observed.watched(session, names, as_of),
        "outages": lambda: _outages(session, names, as_of),
        "findings": lambda: _findings(session, names, version_names, as_of),
        "validations": lambda: _validations(session, names, version_names, as_of),
        "traffic": lambda: _traffic(session, names, version_names, as_of),
        "schedules": lambda: observed.schedules(session, names, as_of),
        "listeners": lambda: observed.listeners(session, names, as_of),
        "endpoints": lambda: observed.endpoints(session, names, as_of),
        "measurements": lambda: observed.measurements(session, names, as_of),
        "watchers": lambda: observed.watchers(session, as_of),
        "training": lambda: asked.training(session, names, version_names, as_of),
    }
    wanted = own.keys() | told.PARTS.keys() if parts is None else set(parts)
    return History(
        as_of=as_of,
        models=tuple(_model(row) for row in models),
        pipelines=tuple(PipelineFact(row.name, form_of(row), row.created_at) for row in pipelines),
        versions=tuple(_version_facts(session, versions, pipeline_names)),
        **_read(own, wanted),
        **told.parts(session, names.values(), pipelines, as_of, wanted & told.PARTS.keys()),
    )


def _read(own: Mapping[str, Callable[[], Iterator[Any]]], parts: Collection[str]) -> dict[str, Any]:
    return {part: tuple(read()) for part, read in own.items() if part in parts}


def _model(row: Model) -> ModelFact:
    return ModelFact(**row.model_dump(include={one.name for one in fields(ModelFact)}))


def _versions(session: Session, names: Mapping[int, str], as_of: datetime) -> list[tuple[Version, str]]:
    """With the name of the model, oldest first."""
    query = select(Version).where(col(Version.model_id).in_(names), col(Version.created_at) <= as_of)
    return [(row, names[row.model_id]) for row in session.exec(query.order_by(col(Version.id)))]


def _version_facts(
    session: Session, versions: Sequence[tuple[Version, str]], pipelines: Mapping[int, str]
) -> Iterator[VersionFact]:
    data: dict[int, dict[str, str]] = defaultdict(dict)
    query = select(VersionDataset.version_id, VersionDataset.role, Dataset.digest).join(
        Dataset, col(VersionDataset.dataset_id) == Dataset.id
    )
    ids = [version.id for version, _ in versions]
    for version_id, role, digest in session.exec(query.where(col(VersionDataset.version_id).in_(ids))):
        data[version_id][role] = digest
    for row, model in versions:
        part = row.manifest.get("version", {}).get("pipeline") or {}
        yield VersionFact(
            id=row.id,
            model=model,
            name=row.name,
            created_at=row.created_at,
            created_by=row.created_by,
            commit=row.commit,
            change_reason=row.change_reason,
            artifact_digest=row.artifact_digest,
            model_class=row.model_class,
            pipeline=pipelines.get(row.pipeline_id or 0),
            run=part.get("run"),
            data=data[row.id],
            manifest=row.manifest,
        )


def _deployments(
    session: Session, names: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[DeploymentFact]:
    """As it was then: what ended later had not ended."""
    query = select(Deployment).where(col(Deployment.model_id).in_(names), col(Deployment.started_at) <= as_of)
    for row in session.exec(query.order_by(col(Deployment.id))):
        ended = row.ended_at is not None and row.ended_at <= as_of
        yield DeploymentFact(
            id=row.id,
            model=names[row.model_id],
            version=versions[row.version_id],
            version_id=row.version_id,
            environment=row.environment,
            role=row.role,
            kind=row.kind,
            artifact_digest=row.artifact_digest,
            started_at=row.started_at,
            ended_at=row.ended_at if ended else None,
            outcome=row.outcome if ended else None,
            decision_id=row.decision_id,
            actor=row.actor,
        )


def _decisions(
    session: Session, names: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[DecisionFact]:
    columns = (Decision.id, Decision.model_id, Decision.version_id, Decision.environment, Decision.stage)
    query = select(*columns, Decision.status, Decision.decided_at).where(  # type: ignore[call-overload]
        col(Decision.model_id).in_(names), col(Decision.decided_at) <= as_of
    )
    for id_, model_id, version_id, environment, stage, status, at in session.exec(query.order_by(col(Decision.id))):
        yield DecisionFact(id_, names[model_id], versions[version_id], environment, stage, status, at)


def _outages(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[OutageFact]:
    query = select(Alert).where(
        col(Alert.model_id).in_(names),
        col(Alert.event).in_(["endpoint.down", "endpoint.recovered"]),
        col(Alert.created_at) <= as_of,
    )
    down: dict[int, Alert] = {}
    for row in session.exec(query.order_by(col(Alert.id))):
        endpoint = row.body["endpoint_id"]
        if row.event == "endpoint.down":
            down[endpoint] = row
        elif (began := down.pop(endpoint, None)) is not None:
            yield _outage(endpoint, began, names, row.created_at)
    for endpoint, began in down.items():
        yield _outage(endpoint, began, names, None)


def _outage(endpoint: int, began: Alert, names: Mapping[int, str], ended_at: datetime | None) -> OutageFact:
    return OutageFact(names[began.model_id or 0], began.environment or "", endpoint, began.created_at, ended_at)


def _turns(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[TurnFact]:
    query = select(Alert).where(
        col(Alert.model_id).in_(names), Alert.event == "verdict.changed", col(Alert.created_at) <= as_of
    )
    for row in session.exec(query.order_by(col(Alert.id))):
        for turn in row.body["tests"]:
            yield TurnFact(
                alert_id=row.id,
                model=names[row.model_id or 0],
                version=row.body["version"],
                environment=row.environment,
                test=turn["test"],
                before=turn["from"],
                after=turn["to"],
                at=row.created_at,
            )


def _findings(
    session: Session, names: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[FindingFact]:
    newest = (
        select(func.max(Finding.id))
        .where(col(Finding.model_id).in_(names), col(Finding.created_at) <= as_of)
        .group_by(col(Finding.version_id), col(Finding.check_id), col(Finding.environment))
    )
    for row in session.exec(select(Finding).where(col(Finding.id).in_(newest)).order_by(col(Finding.id))):
        yield FindingFact(
            id=row.id,
            audit_id=row.audit_id,
            test=row.check_id,
            model=names[row.model_id],
            version=versions[row.version_id],
            environment=row.environment,
            verdict=row.verdict,
            automatic=row.automatic,
            at=row.created_at,
            reason=row.reason,
        )


def _validations(
    session: Session, names: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[ValidationFact]:
    query = select(Validation).where(col(Validation.model_id).in_(names), col(Validation.created_at) <= as_of)
    for row in session.exec(query.order_by(col(Validation.id))):
        yield ValidationFact(
            names[row.model_id], versions[row.version_id], row.validator, row.outcome, row.created_at
        )


def _traffic(
    session: Session, names: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[TrafficFact]:
    key = (col(PredictionBatch.model_id), col(PredictionBatch.environment), col(PredictionBatch.version_id))
    first, last, rows = (
        func.min(PredictionBatch.first_at),
        func.max(PredictionBatch.last_at),
        func.sum(PredictionBatch.rows),
    )
    query = (
        select(*key, first, last, rows)  # type: ignore[call-overload]
        .where(key[0].in_(names), col(PredictionBatch.last_at) <= as_of)
        .group_by(*key)
        .order_by(*key)
    )
    for model_id, environment, version_id, first_at, last_at, count in session.exec(query):
        yield TrafficFact(names[model_id], environment, versions[version_id], first_at, last_at, int(count))
