"""Versions with passing decisions, as the gate leaves them."""

from __future__ import annotations

from app.delivery import service
from app.delivery.schemas import DeploymentIn, RollbackIn
from app.gate import policies
from app.gate import service as gate
from app.gate.schemas import EvaluationIn
from app.tables import Model, Version
from tests.gate import planted

POLICY = """
assay_policy: 1
name: production
decision_lifetime_hours: {hours}
stages:
  admit: {{must_pass: [DATA-1]}}
  promote: {{extends: admit, must_pass: [INFRA-4]}}
"""
"""Small: what it asks for is this package's business no more than that ``promote`` asks for more."""


def policy(database, hours: float = 24) -> None:
    with database.write() as session:
        policies.write_policy(session, "production", POLICY.format(hours=hours), "tests")


def versions(database, *names: str) -> dict[str, Version]:
    """Registered versions of one model that pass what the policy asks for."""
    policy(database)
    with database.write() as session:
        model: Model = planted.model(session)
        made = {}
        for number, name in enumerate(names):
            row = planted.version(session, model, name)
            row.artifact_digest, row.content_digest = f"{number + 1:064x}", f"{number + 101:064x}"
            for environment in ("production", "staging"):
                planted.audit(session, row, {"DATA-1": "pass", "INFRA-4": "pass"}, environment=environment)
            made[name] = row
        return made


def decide(database, settings, identity, version: str, stage="admit", environment="production"):
    """Ask the gate; what comes back is stored."""
    asked = EvaluationIn(model="credit-default", version=version, environment=environment, stage=stage)
    with database.write() as session:
        row = gate.evaluate(session, asked, identity("reviewer"), settings)  # may not audit, so it decides at once
        assert row.status != "in_progress"
        return row


def deploy(database, identity, version: str, role="canary", environment="production", *, by="ci", **more):
    given = {"model": "credit-default", "version": version, "environment": environment, "role": role}
    with database.write() as session:
        return service.deploy(session, DeploymentIn(**given, reason="a test", **more), identity(by))


def roll_back(database, identity, environment="production"):
    with database.write() as session:
        asked = RollbackIn(model="credit-default", environment=environment, reason="a test")
        return service.roll_back(session, asked, identity())
