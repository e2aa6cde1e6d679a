"""What conditions beyond tests and scores are judged by: the practice, the delivery metrics, the registration."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.gate import queries
from app.gate.limits import DELIVERY, METRICS, WINDOW_DAYS
from app.gate.terms import ApprovalFact, Demand, Limited, PracticeDemand, PracticeFacts, RowFact
from app.gate.waiving import WaiverFact
from app.ledger.delivery.service import PARTS
from app.ledger.facts import of_models
from app.ledger.reading import automation
from app.ledger.reading.delivery.metrics import Metrics, delivery_metrics
from app.ledger.rows import walk
from app.tables import Model, Version

TOLD = {"condition", "requested_by", "approved_by", "expires_at", "reason"}


def practice(
    session: Session, model: Model, version: Version, demand: PracticeDemand, as_of: datetime
) -> PracticeFacts:
    """As far as it is asked for: reading the ledger takes longer than everything else of a decision."""
    if demand.empty:
        return PracticeFacts()
    history = replace(of_models(session, [model], as_of), subject=version.name)
    rows = {row.number: row for row in walk(history)}
    found = (rows[number] for number in demand.rows)
    facts = {row.number: RowFact(row.title, row.status, row.missing, row.remedy) for row in found}
    if demand.automation_level == 0:
        return PracticeFacts(facts)
    automated = automation.of_model(history, model.name)
    return PracticeFacts(facts, automated.level, automated.next)


def delivery(session: Session, model: Model, demand: Demand, as_of: datetime) -> dict[str, Limited]:
    """The model's delivery metrics by the key of their limit, where any is asked for."""
    if not any(name.startswith(f"{DELIVERY}.") for name in demand.at_most):
        return {}
    found = delivery_metrics(of_models(session, [model], as_of, PARTS), (WINDOW_DAYS,))
    [measured] = found.fleet.windows
    return {key: _limited(key, measured) for key in METRICS}


def _limited(key: str, measured: Metrics) -> Limited:
    values = {
        "change_fail_rate_max": (measured.failures.share, measured.failures.reason),
        "lead_time_days_max": (measured.lead_to_production.median, measured.lead_to_production.reason),
        "time_to_restore_hours_max": (measured.restore.total.mean, measured.restore.total.reason),
    }
    value, reason = values[key]
    return Limited(None if value is None else value / METRICS[key].per_unit, reason)


def registration(model: Model, version: Version) -> dict[str, Any]:
    """What can be asked to be filled, by field; ``RegistrationField`` lists the same."""
    told: dict[str, Any] = version.manifest
    about, columns, code = told.get("model", {}), told.get("columns", {}), told.get("code", {})
    pipeline = told.get("version", {}).get("pipeline") or {}
    return {
        "owner": model.owner,
        "purpose": model.purpose,
        "users": model.users,
        "business_target": (about.get("business_metric") or {}).get("target"),
        "retraining_days": about.get("retraining_days"),
        "audit_cron": about.get("audit_cron"),
        "commit": version.commit,
        "pipeline": pipeline.get("name"),
        "quality_floor": told.get("quality", {}).get("floor"),
        "feature_paths": code.get("feature_paths"),
        "personal": columns.get("personal"),
        "sensitive": told.get("sensitive"),
        "slices": told.get("slices"),
    }


def approvals(
    session: Session, version: Version, environment: str, stage: str, as_of: datetime
) -> tuple[ApprovalFact, ...]:
    """Those of this very version that hold at ``as_of``."""
    rows = queries.approvals(session, version, environment, stage, as_of)
    return tuple(ApprovalFact(row.id, row.person, row.role, row.created_at, row.comment) for row in rows)


def waivers(
    session: Session, version: Version, environment: str, stage: str, as_of: datetime
) -> tuple[WaiverFact, ...]:
    """Those that hold at ``as_of``."""
    rows = queries.waivers(session, version, environment, stage, as_of)
    return tuple(WaiverFact(waiver=row.id, **row.model_dump(include=TOLD)) for row in rows)
