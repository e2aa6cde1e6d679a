"""Models, audits and findings, put into the database as audits leave them there."""

from __future__ import annotations

from datetime import timedelta

from app.db import utcnow
from app.tables import Attestation, Audit, Finding, Model, Version
from tests.catalog.manifests import manifest

PRODUCTION_NEEDS = ("DATA-1", "DATA-2", "DATA-4", "MODEL-5", "MODEL-6", "MODEL-7", "INFRA-4", "MON-5")


def model(session, name="credit-default", tier="medium") -> Model:
    row = Model(
        name=name,
        owner="risk@example.com",
        purpose="p",
        users="u",
        problem_type="productivity",
        task="binary",
        risk_tier=tier,
        business_metric={},
        created_by="tests",
    )
    session.add(row)
    session.flush()
    return row


def version(session, of: Model, name="1.0.0") -> Version:
    row = Version(
        model_id=of.id,
        name=name,
        manifest=manifest(model__name=of.name, version__name=name),
        files={},
        content_digest="c" * 64,
        artifact_digest="a" * 64,
        change_reason="initial",
        created_by="tests",
    )
    session.add(row)
    session.flush()
    return row


def registered(database, tier="medium") -> tuple[Model, Version]:
    with database.write() as session:
        found = model(session, tier=tier)
        return found, version(session, found)


def audit(
    session, of: Version, verdicts, *, days=1.0, into: Audit | None = None, environment="production", **changes
):
    """A finished audit with a finding for each test of ``verdicts`` (test id -> verdict)."""
    at = utcnow() - timedelta(days=days)
    row = into or Audit(model_id=of.model_id, version_id=of.id, checks=list(verdicts), trigger="ci", actor="ci")
    row.environment, row.automatic, row.progress = environment, changes.get("automatic", True), {}
    row.status, row.finished_at = "succeeded", at
    session.add(row)
    session.flush()
    for test_id, verdict in verdicts.items():
        given = {
            "reason": f"{test_id} was measured.",
            "remedy": "",
            "measured": {},
            "thresholds": {},
            "automatic": True,
        }
        session.add(
            Finding(
                audit_id=row.id,
                model_id=of.model_id,
                version_id=of.id,
                environment=environment,
                check_id=test_id,
                verdict=verdict,
                exhibits=[],
                inputs={},
                seconds=0.1,
                created_at=at,
                **(given | changes),
            )
        )
    session.flush()
    return row


def admissible(session, of: Version, **verdicts) -> None:
    """Two automatic audits with all that production asks for; ``verdicts`` (DATA_1="fail") change the second."""
    changed = {test_id.replace("_", "-"): verdict for test_id, verdict in verdicts.items()}
    passing = dict.fromkeys(PRODUCTION_NEEDS, "pass")
    audit(session, of, passing, days=2)
    audit(session, of, {t: v for t, v in (passing | changed).items() if v})


def attestation(session, of: Version, test_id, result="pass", *, days=0.5, valid_days=180, environment=None):
    at = utcnow() - timedelta(days=days)
    row = Attestation(
        model_id=of.model_id,
        version_id=of.id,
        environment=environment,
        test_id=test_id,
        person="Ada",
        what="Compared by hand.",
        result=result,
        link="https://example.com/report",
        recipients=["team@example.com"],
        created_by="ada",
        created_at=at,
        expires_at=at + timedelta(days=valid_days),
    )
    session.add(row)
    session.flush()
    return row
