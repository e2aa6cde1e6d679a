"""Rows to plant in a real database."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from sqlmodel import Session

from app.tables import Attestation, Audit, Decision, Finding, Model, Version
from tests.catalog.manifests import manifest

from .planted import NOW

_numbers = count(1)


def model(session: Session, name="credit-default", **fields) -> Model:
    values = {
        "owner": "credit-risk@example.com",
        "purpose": "Estimate the chance that a loan defaults.",
        "users": "Loan officers",
        "problem_type": "productivity",
        "task": "binary",
        "risk_tier": "high",
        "business_metric": {"name": "expected loss", "target": "below 2 %"},
        "created_by": "ci",
    }
    row = Model(name=name, **(values | fields))
    session.add(row)
    session.flush()
    return row


def version(session: Session, of: Model, name="1.0.0", **fields) -> Version:
    values = {
        "manifest": manifest(model__name=of.name, version__name=name),
        "files": {},
        "content_digest": f"{next(_numbers):064x}",
        "artifact_digest": f"{next(_numbers):064x}",
        "change_reason": "initial",
        "created_by": "ci",
        "created_at": NOW - timedelta(days=400),
    }
    row = Version(model_id=of.id, name=name, **(values | fields))
    session.add(row)
    session.flush()
    return row


def audit(session: Session, of: Version, **fields) -> Audit:
    values = {
        "trigger": "ci",
        "actor": "ci",
        "automatic": True,
        "status": "succeeded",
        "checks": [],
        "progress": {},
    }
    row = Audit(model_id=of.model_id, version_id=of.id, **(values | fields))
    session.add(row)
    session.flush()
    return row


def finding(session: Session, of: Version, check_id="DATA-1", *, days=1.0, **fields) -> Finding:
    """A finding in an audit of its own, by default a passing automatic one of a day ago."""
    values = {
        "environment": "production",
        "verdict": "pass",
        "reason": f"{check_id}: 0 of 12 columns fail.",
        "remedy": "",
        "measured": {},
        "thresholds": {},
        "exhibits": [],
        "inputs": {},
        "automatic": True,
        "seconds": 0.5,
        "created_at": NOW - timedelta(days=days),
    } | fields
    ran = audit(session, of, automatic=values["automatic"], environment=values["environment"])
    row = Finding(audit_id=ran.id, model_id=of.model_id, version_id=of.id, check_id=check_id, **values)
    session.add(row)
    session.flush()
    return row


def attestation(session: Session, of: Version, test_id="MODEL-1", *, days=1.0, valid_days=180.0, **fields):
    made = NOW - timedelta(days=days)
    values = {
        "person": "Ada",
        "what": "Read the training code with its author.",
        "result": "pass",
        "link": "https://forge.example.com/credit/pull/41",
        "recipients": ["model-risk@example.com"],
        "created_by": "ada",
        "created_at": made,
        "expires_at": made + timedelta(days=valid_days),
    }
    row = Attestation(model_id=of.model_id, version_id=of.id, test_id=test_id, **(values | fields))
    session.add(row)
    session.flush()
    return row


def decision(session: Session, of: Version, environment="production", status="fail", **fields) -> Decision:
    values = {"stage": "admit", "body": {}, "inputs": {}, "actor": "ci", "created_at": NOW}
    row = Decision(
        model_id=of.model_id, version_id=of.id, environment=environment, status=status, **(values | fields)
    )
    session.add(row)
    session.flush()
    return row
