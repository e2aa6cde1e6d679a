"""Facts as the gate's pure parts take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.gate.derivation import Inputs, PolicyText
from app.scorecards.facts import AttestationFact, Facts, FindingFact
from app.scorecards.windows import windows
from checks.contract import Verdict
from checks.rubric import TESTS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL_POLICY = """
assay_policy: 1
name: production
stages:
  admit: {must_pass: [DATA-1], must_not_fail: [MODEL-6]}
"""


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def finding(test_id, verdict="pass", *, days=1.0, number=1, **changes) -> FindingFact:
    given = {
        "test_id": test_id,
        "verdict": Verdict(verdict),
        "automatic": True,
        "at": days_ago(days),
        "version": "1.0.0",
        "environment": "production",
        "cap": None,
        "audit_id": 7,
        "finding_id": number,
        "reason": f"{test_id} was measured.",
    }
    return FindingFact(**(given | changes))


def attestation(test_id, result="pass", *, days=1.0, valid_days=180.0, **changes) -> AttestationFact:
    given = {
        "test_id": test_id,
        "result": Verdict(result),
        "person": "Ada",
        "at": days_ago(days),
        "expires_at": days_ago(days) + timedelta(days=valid_days),
        "version": "1.0.0",
        "environment": "production",
        "attestation_id": 3,
        "what": "Compared by hand.",
    }
    return AttestationFact(**(given | changes))


def facts(*evidence, runs=2, **changes) -> Facts:
    given = {
        "model": "credit-default",
        "version": "1.0.0",
        "environment": "production",
        "as_of": NOW,
        "findings": tuple(item for item in evidence if isinstance(item, FindingFact)),
        "attestations": tuple(item for item in evidence if isinstance(item, AttestationFact)),
        "runs": {test.id: runs for test in TESTS},
        "windows": dict(windows()),
        "automated": frozenset({"DATA-1", "MODEL-6"}),
    }
    return Facts(**(given | changes))


def policy_text(text: str = SMALL_POLICY, version: int = 1) -> PolicyText:
    return PolicyText(name="production", version=version, digest="d" * 64, text=text)


def inputs(known: Facts, policy: str | PolicyText = SMALL_POLICY, **changes) -> Inputs:
    given = {
        "stage": "admit",
        "environment": "production",
        "risk_tier": "high",
        "artifact_digest": "a" * 64,
        "content_digest": "c" * 64,
        "policy": policy_text(policy) if isinstance(policy, str) else policy,
        "facts": known,
        "id": 42,
        "evaluation_url": "https://assay.example.com/api/v1/gate/evaluations/42",
    }
    return Inputs(**(given | changes))
