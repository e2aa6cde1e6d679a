"""Validations: when somebody who did not make a model looked at it, and when it is due again."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col

from app.access import audit_log
from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.alerts.outbox import raise_alert
from app.catalog.queries import find_model, find_version, newest_version
from app.config import Settings
from app.db import database_now
from app.errors import Conflict, FieldError, Invalid
from app.evidence.blobs import BlobStore
from app.paging import Page, PageParams, paginate
from app.register import history, queries, rules
from app.register.following import resolve
from app.register.people import makers, require_other
from app.register.schemas import ValidationIn, ValidationOut, ValidationState
from app.tables import Issue, Model, Validation, Version

KEEPER = "register"
"""Who opens issues that nobody asked for; nobody can sign in as it."""


def record(
    session: Session,
    model_name: str,
    identity: Identity,
    given: ValidationIn,
    blobs: BlobStore,
    settings: Settings,
    key: str | None,
) -> ValidationOut:
    """Store a validation. An approval resolves the issues of earlier ones; conditions and a rejection open one.

    Raises:
        NotFound: no such model, version or uploaded report.
        Forbidden: the validator or who records it made the model.
        Invalid: no report, a day to come, or conditions where there are none.
        Conflict: the model has no version yet.
    """
    model = find_model(session, model_name)
    asked = {"model": model_name, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, asked)) is not None:
        return _out(session, session.get_one(Validation, known), model)
    today = database_now(session).date()
    version = _version(session, model, given.version)
    validator = given.validator or identity.name
    _require_sense(given, today)
    require_other(identity, makers(session, model, version.id), "validate a model", validator)
    if given.digest:
        blobs.path(given.digest)
    row = Validation(
        **given.model_dump(include={"outcome", "digest", "link"}),
        conditions=given.conditions or "",
        model_id=model.id,
        version_id=version.id,
        validator=validator,
        validated_on=given.validated_on or today,
        created_by=identity.name,
    )
    session.add(row)
    session.flush()
    remember(session, identity, key, asked, row.id)
    _note(session, row, model)
    _follow(session, model, row, version, settings)
    return _out(session, row, model)


def _note(session: Session, row: Validation, model: Model) -> None:
    after = row.model_dump(mode="json", include={"validator", "validated_on", "outcome", "digest", "link"})
    told = {"model": model.name, "before": None, "after": after, "reason": row.conditions}
    audit_log.record(session, row.created_by, "validation.recorded", f"validation/{row.id}", **told)


def _version(session: Session, model: Model, name: str | None) -> Version:
    version = find_version(session, model.name, name)[1] if name else newest_version(session, model.id)
    if version is None:
        raise Conflict(f"{model.name} has no version yet: there is nothing to validate")
    return version


def _require_sense(given: ValidationIn, today: date) -> None:
    if given.validated_on is not None and given.validated_on > today:
        raise _wrong("validated_on", f"{given.validated_on} is still to come")
    if given.digest is None and given.link is None:
        raise _wrong("link", "a validation has a report: name its link, or the digest of an uploaded file")
    if (given.outcome == "approved_with_conditions") != (given.conditions is not None):
        raise _wrong("conditions", "conditions go with the outcome approved_with_conditions, and with no other")


def _follow(session: Session, model: Model, row: Validation, version: Version, settings: Settings) -> None:
    ref, actor = f"validation/{row.id}", row.created_by
    if row.outcome == "rejected":
        open_issue(session, model, "The validation rejected the model", _told(row), ref, actor, settings, version)
        return
    for issue in queries.unsettled_validation_issues(session, model.id):
        resolve(session, issue, actor, ref, _told(row), version)
    if row.conditions:
        open_issue(session, model, "Conditions of the validation", row.conditions, ref, actor, settings, version)


def _told(row: Validation) -> str:
    return f"{row.validator} on {row.validated_on}: {row.outcome.replace('_', ' ')}."


def open_issue(
    session: Session,
    model: Model,
    title: str,
    why: str,
    cause: str,
    actor: str,
    settings: Settings,
    version: Version | None = None,
) -> Issue:
    """An issue with the model as a whole."""
    now, severity = database_now(session), rules.severity_of_model(model.risk_tier)
    issue = Issue(
        model_id=model.id,
        version_id=version.id if version else None,
        source="validation",
        title=title,
        description=why,
        severity=severity,
        owner=model.owner,
        due_on=rules.due(severity, now.date(), settings),
        failure=cause,
        failed_at=now,
        opened_at=now,
        opened_by=actor,
    )
    session.add(issue)
    session.flush()
    history.note(session, issue, actor, "opened", why, evidence=cause, before={})
    return issue


def overdue(session: Session, today: date, settings: Settings) -> list[tuple[Model, date]]:
    """Models whose validation is overdue, with the day it was due, where no issue says so yet."""
    told = queries.validations_told(session)
    due = [(model, rules.validation_due(model, last, settings)) for model, last in queries.last_approved(session)]
    return [(model, on) for model, on in due if on < today and (model.id, cause_of(on)) not in told]


def cause_of(due_on: date) -> str:
    return f"{queries.DUE}/{due_on}"


def tell_of_overdue(session: Session, today: date, settings: Settings) -> None:
    """An issue and an alert for each, once for a due date."""
    for model, due_on in overdue(session, today, settings):
        why = f"{model.name} ({model.risk_tier} risk) was to be validated by {due_on}."
        issue = open_issue(session, model, "The validation is overdue", why, cause_of(due_on), KEEPER, settings)
        raise_alert(
            session,
            event="validation.overdue",
            severity="critical" if model.risk_tier == "high" else "warning",
            title=f"{model.name}: the validation was due by {due_on}",
            body={"lines": [why], "path": f"/issues/{issue.id}", "issue": issue.id, "due_on": str(due_on)},
            model_id=model.id,
        )


def list_validations(session: Session, model_name: str, params: PageParams) -> Page[ValidationOut]:
    """Newest first."""
    model = find_model(session, model_name)
    rows, following = paginate(session, queries.validations(model.id), col(Validation.id), params)
    return Page(items=[_out(session, row, model) for row in rows], next_cursor=following)


def state(session: Session, model: Model, settings: Settings) -> ValidationState:
    """When the model was validated last, and when it is due."""
    newest = queries.newest_validations(session, [model.id]).get(model.id)
    approved = dict(queries.approved_on(session, [model.id]))
    due_on = rules.validation_due(model, approved.get(model.id), settings)
    return ValidationState(
        last=_out(session, newest, model) if newest else None,
        next_due_on=due_on,
        overdue=due_on < database_now(session).date(),
    )


def _out(session: Session, row: Validation, model: Model) -> ValidationOut:
    version = session.get_one(Version, row.version_id)
    fields = row.model_dump(exclude={"model_id", "version_id"})
    return ValidationOut(**fields, model=model.name, version=version.name)


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(path, message)])
