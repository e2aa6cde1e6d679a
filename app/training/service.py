"""Rules of trainers and of requests that somebody makes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from app import cron
from app.access import audit_log, idempotency
from app.access.identity import Identity
from app.alerts.channels.webhook import new_secret
from app.catalog.queries import find_model, find_pipeline, model_named
from app.config import Settings
from app.db import database_now
from app.errors import FieldError, Invalid, NotFound, nearest
from app.outgoing import Client, Refused
from app.paging import Page, PageParams
from app.tables import Model, Pipeline, Trainer, TrainingRequest, Version
from app.training import queries, raising, telling
from app.training.causes import Asked
from app.training.schemas import NewTrainerOut, TrainerIn, TrainerOut, TrainingRequestIn, TrainingRequestOut

SHOWN = 20


def set_trainer(
    session: Session, pipeline: str, given: TrainerIn, identity: Identity, settings: Settings
) -> NewTrainerOut:
    """Say how a pipeline is asked to train anew; the same again changes nothing. Nothing of the past counts.

    Raises:
        NotFound: there is no such pipeline.
        Invalid: its address may not be called, a model is unknown, or a token is missing.
    """
    _require_reachable(given, settings)  # before the first statement: resolving a name holds no lock
    row = find_pipeline(session, pipeline)
    _require_sense(session, given)
    known = session.get(Trainer, row.id)
    secret, is_new = _secret(known, given)
    now = database_now(session)
    values = given.model_dump(mode="json", exclude={"token"}) | {"kind": given.target.kind, "secret": secret}
    before = _told(known) if known else None
    if before is None or before["schedule"] != given.schedule:
        values["seen_slot"] = now
    trainer = known or Trainer(
        pipeline_id=row.id,
        seen_alert_id=queries.newest_alert_id(session),
        created_by=identity.name,
        created_at=now,
        **values,
    )
    for name, value in values.items():
        setattr(trainer, name, value)
    if (after := _told(trainer)) != before or is_new:
        session.add(trainer)
        session.flush()
        subject = f"pipeline/{row.name}"
        audit_log.record(session, identity.name, "trainer.set", subject, before=before, after=after)
    shown = given.target.kind == "webhook" and is_new
    return NewTrainerOut(**_trainer_out(row, trainer).model_dump(), secret=trainer.secret if shown else None)


def _require_reachable(given: TrainerIn, settings: Settings) -> None:
    try:
        Client(settings.outgoing_allowed_hosts).check(given.target.url)
    except Refused as error:
        message = f"this URL is not called: {error}; an administrator may allow its host"
        raise Invalid(message, [FieldError("target.url", f"{message} (ASSAY_OUTGOING_ALLOWED_HOSTS)")]) from None


def _require_sense(session: Session, given: TrainerIn) -> None:
    errors = [
        FieldError(f"models.{i}", f"no model is registered as {name!r}")
        for i, name in enumerate(given.models)
        if model_named(session, name) is None
    ]
    if given.schedule is not None:
        try:
            cron.trigger(given.schedule)
        except Invalid as error:
            errors.append(FieldError("schedule", error.detail))
        if not given.environments:
            errors.append(FieldError("environments", "a schedule needs the environments to ask for"))
    if given.token is not None and given.target.kind == "webhook":
        errors.append(FieldError("token", "a webhook is signed, it takes no token"))
    if errors:
        raise Invalid("; ".join(error.message for error in errors), errors)


def _secret(known: Trainer | None, given: TrainerIn) -> tuple[str | None, bool]:
    """The secret, and whether it is new. One that was given for an address goes to no other.

    Raises Invalid: GitHub needs a token.
    """
    if given.token is not None:
        token = given.token.get_secret_value()
        return token, known is None or known.secret != token
    same = known is not None and (known.kind, known.target["url"]) == (given.target.kind, given.target.url)
    if known is not None and same and known.secret is not None:
        return known.secret, False
    if given.target.kind == "webhook":
        return new_secret(), True
    if given.target.kind == "github":
        message = "GitHub asks for a token that may run workflows"
        raise Invalid(message, [FieldError("token", message)])
    return None, False


def _told(trainer: Trainer) -> dict[str, object]:
    """For the audit log, without the secret."""
    hidden = {"pipeline_id", "secret", "seen_alert_id", "seen_slot", "created_at", "created_by"}
    return trainer.model_dump(mode="json", exclude=hidden)


def _trainer_out(pipeline: Pipeline, row: Trainer) -> TrainerOut:
    proof = "signature" if row.kind == "webhook" else "token" if row.secret else "nothing"
    return TrainerOut(**row.model_dump(), pipeline=pipeline.name, signed_by=proof)


def show_trainer(session: Session, pipeline: str) -> TrainerOut:
    """Raises NotFound."""
    return _trainer_out(*_trainer_of(session, pipeline))


def _trainer_of(session: Session, pipeline: str) -> tuple[Pipeline, Trainer]:
    row = find_pipeline(session, pipeline)
    trainer = session.get(Trainer, row.id)
    if trainer is None:
        raise NotFound(f"{row.name} has no trainer: PUT /api/v1/pipelines/{row.name}/trainer")
    return row, trainer


def remove_trainer(session: Session, pipeline: str, identity: Identity) -> None:
    """Ask no more. What was sent is followed on; what waits is not sent. Raises NotFound."""
    row, trainer = _trainer_of(session, pipeline)
    for request in queries.unsent(session, row.id):
        telling.end(session, request, "superseded", f"{identity.name} removed the trainer")
    audit_log.record(session, identity.name, "trainer.remove", f"pipeline/{row.name}", before=_told(trainer))
    session.delete(trainer)


def ask(
    session: Session, pipeline: str, given: TrainingRequestIn, identity: Identity, key: str | None
) -> TrainingRequestOut:
    """Ask for a new version; the same request under the same ``key``, and the same new data, only once.

    Raises:
        NotFound: no such pipeline or model, or no trainer.
        Invalid: the trainer does not heed this cause, model or environment.
    """
    row, trainer = _trainer_of(session, pipeline)
    wanted = {"pipeline": row.name, **given.model_dump()}
    known = idempotency.once(session, identity, key, wanted)
    if known is not None:
        return requests_out(session, [session.get_one(TrainingRequest, known)])[0]
    model, environment = _place(session, trainer, given)
    if given.cause not in trainer.causes:
        message = f"{row.name} is not asked because of {given.cause}: its trainer heeds {', '.join(trainer.causes)}"
        raise Invalid(message, [FieldError("cause", message)])
    request, _ = raising.add(session, trainer, model, environment, _asked(session, given, identity), identity)
    idempotency.remember(session, identity, key, wanted, request.id)
    return requests_out(session, [request])[0]


def _asked(session: Session, given: TrainingRequestIn, identity: Identity) -> Asked:
    told = f"{identity.name} asked{f': {given.reason}' if given.reason else '.'}"
    if given.data_digest:
        because = (f"There is new data, {given.data_digest}.", told)
        return Asked(given.cause, f"data/{given.data_digest}", because, {"data_digest": given.data_digest})
    at: datetime = database_now(session)
    return Asked(given.cause, f"asked/{identity.name}/{at.isoformat()}", (told,), {})


def _place(session: Session, trainer: Trainer, given: TrainingRequestIn) -> tuple[Model, str]:
    models = queries.models_of(session, trainer)
    name = given.model or (models[0].name if len(models) == 1 else None)
    where = given.environment or (trainer.environments[0] if len(trainer.environments) == 1 else None)
    errors = []
    if name is None:
        errors.append(FieldError("model", f"name one of {', '.join(one.name for one in models) or 'its models'}"))
    elif name not in {one.name for one in models}:
        find_model(session, name)
        errors.append(
            FieldError("model", f"the trainer is not for {name!r}{nearest(name, [m.name for m in models])}")
        )
    if where is None:
        errors.append(FieldError("environment", f"name one{_listed(trainer.environments)}"))
    elif where not in (trainer.environments or [where]):
        errors.append(FieldError("environment", f"the trainer is not for {where!r}{_listed(trainer.environments)}"))
    if errors or name is None or where is None:
        raise Invalid("; ".join(f"{one.path}: {one.message}" for one in errors), errors)
    return find_model(session, name), where


def _listed(environments: Sequence[str]) -> str:
    return f" of {', '.join(environments)}" if environments else ""


def list_requests(
    session: Session, pipeline: str | None, model: str | None, status: str | None, params: PageParams
) -> Page[TrainingRequestOut]:
    """Raises NotFound: there is no such pipeline or model."""
    wanted = {
        "pipeline_id": find_pipeline(session, pipeline).id if pipeline else None,
        "model_id": find_model(session, model).id if model else None,
        "status": status,
    }
    filters = {column: value for column, value in wanted.items() if value is not None}
    rows, cursor = queries.page(session, filters, params)
    return Page(items=requests_out(session, rows), next_cursor=cursor)


def show_request(session: Session, key: str) -> TrainingRequestOut:
    """Raises NotFound."""
    row = queries.request_with_key(session, key)
    if row is None:
        raise NotFound(f"there is no training request {key!r}")
    return requests_out(session, [row])[0]


def requests_of(session: Session, model: Model, most: int = SHOWN) -> list[TrainingRequestOut]:
    """The newest requests for versions of a model, newest first."""
    return requests_out(session, queries.newest_of(session, model.id, most))


def requests_out(session: Session, rows: Sequence[TrainingRequest]) -> list[TrainingRequestOut]:
    models = queries.names(session, Model, (row.model_id for row in rows))
    pipelines = queries.names(session, Pipeline, (row.pipeline_id for row in rows))
    versions = queries.names(session, Version, (row.version_id for row in rows))
    keys = queries.keys(session, (row.covered_by for row in rows))
    decisions = queries.decision_statuses(session, (row.decision_id for row in rows))
    return [
        TrainingRequestOut(
            **row.model_dump(exclude={"id", "covered_by", "detail"}),
            id=row.key,
            pipeline=pipelines[row.pipeline_id],
            model=models[row.model_id],
            because=row.detail["because"],
            detail={key: value for key, value in row.detail.items() if key != "because"},
            covered_by=keys.get(row.covered_by),
            version=versions.get(row.version_id),
            decision_status=decisions.get(row.decision_id),
        )
        for row in rows
    ]
