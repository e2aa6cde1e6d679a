"""A registered version without files, and audits of it."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.tables import Audit, AuditLog, Finding, Model, Version
from tests.catalog.manifests import manifest


@pytest.fixture
def planted(database) -> tuple[Model, Version]:
    with database.write() as session:
        return plant(session)


def plant(session, name="tumour-malignancy", version="1.0.0", **columns) -> tuple[Model, Version]:
    model = session.exec(select(Model).where(Model.name == name)).first() or Model(
        name=name,
        owner="o",
        purpose="p",
        users="u",
        problem_type="productivity",
        task="binary",
        risk_tier="low",
        business_metric={},
        created_by="test",
    )
    session.add(model)
    session.flush()
    content = manifest(model__name=name, version__name=version)
    defaults = {"files": {}, "content_digest": "c" * 64, "change_reason": "initial", "created_by": "test"}
    row = Version(model_id=model.id, name=version, manifest=content, **(defaults | columns))
    session.add(row)
    session.flush()
    return model, row


@pytest.fixture
def queue(database, planted):
    """``queue("CALM", ...)``: the id of a queued audit of these (toy) checks."""
    model, version = planted

    def make(*checks, **columns) -> int:
        row = {"trigger": "ci", "actor": "ci", "automatic": True, "progress": {}} | columns
        with database.write() as session:
            audit = Audit(model_id=model.id, version_id=version.id, checks=list(checks), **row)
            session.add(audit)
            session.flush()
            return audit.id

    return make


@pytest.fixture
def stored(database):
    """``stored(id)``: the audit as it is in the database."""

    def read(audit_id) -> Audit:
        with database.read() as session:
            return session.get(Audit, audit_id)

    return read


@pytest.fixture
def findings(database):
    """``findings(id)``: the verdicts of the audit's findings by check."""

    def read(audit_id) -> dict[str, str]:
        with database.read() as session:
            rows = session.exec(select(Finding).where(Finding.audit_id == audit_id)).all()
        assert len({row.check_id for row in rows}) == len(rows)
        return {row.check_id: row.verdict for row in rows}

    return read


@pytest.fixture
def logged(database):
    """``logged(id)``: what the audit log says of the audit, oldest first."""

    def read(audit_id) -> list[str]:
        with database.read() as session:
            rows = session.exec(
                select(AuditLog).where(AuditLog.subject == f"audit/{audit_id}").order_by(AuditLog.id)
            )
            return [row.action for row in rows]

    return read
