"""Audits as workers finish them, attestations and issues as people make them."""

from __future__ import annotations

from functools import partial

import pytest
from sqlmodel import select

from app.audits import ledger
from app.register.following import note_findings
from app.tables import Audit, Issue, Model, Version
from tests.gate import planted

MODEL = "/api/v1/models/credit-default"


@pytest.fixture
def registered(database) -> tuple[Model, Version]:
    """credit-default 1.0.0 of the risk tier medium; ``planted`` has owner and maker."""
    return planted.registered(database)


@pytest.fixture
def later(database, registered):
    """Version 1.1.0."""
    with database.write() as session:
        return planted.version(session, registered[0], "1.1.0")


@pytest.fixture
def find(database, settings, registered):
    """``find("DATA-1", "fail", ...)``: an audit that a worker finishes with this; returns the finding's name."""

    def make(test_id, verdict, *, version=None, environment=None, actor="ci", reason="Measured.") -> str:
        subject = version or registered[1]
        with database.write() as session:
            audit = Audit(
                model_id=subject.model_id,
                version_id=subject.id,
                environment=environment,
                checks=[test_id],
                trigger="ci",
                actor=actor,
                automatic=True,
                progress={},
            )
            session.add(audit)
        row = {"check_id": test_id, "verdict": verdict, "reason": reason, "remedy": "", "measured": {}}
        row |= {"thresholds": {}, "exhibits": [], "inputs": {}, "cap": None, "seconds": 0.1}
        claim = ledger.claim(database, "w", settings)
        ledger.finish(database, claim, [row], follow=partial(note_findings, settings=settings))
        with database.read() as session:
            (finding,) = session.exec(select(ledger.Finding).where(ledger.Finding.audit_id == claim.audit_id))
        return f"finding/{finding.id}"

    return make


@pytest.fixture
def attest(client, registered):
    """``attest("MODEL-1", result=..., reservations=...)``, by default as the reviewer; returns the answer."""

    def make(test_id, role="reviewer", version="1.0.0", **changes):
        given = {"test_id": test_id, "person": "R. Okafor", "what": "Read it.", "result": "pass"}
        given |= {"link": "https://forge.example.com/1", "recipients": ["risk@example.com"]}
        return client(role).post(f"{MODEL}/versions/{version}/attestations", json=given | changes)

    return make


@pytest.fixture
def issues(database):
    """``issues()``: all of them, oldest first."""

    def read() -> list[Issue]:
        with database.read() as session:
            return list(session.exec(select(Issue).order_by(Issue.id)))

    return read


@pytest.fixture
def post(client):
    """``post("reviewer", "issues/1/closure", **body)``: the answer."""
    return lambda role, path, **body: client(role).post(f"/api/v1/{path}", json=body)
