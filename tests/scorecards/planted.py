"""Evidence to plant, with defaults that a test overrides where it matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from app.scorecards.facts import AttestationFact, Facts, FindingFact
from app.scorecards.windows import windows
from checks.contract import Verdict
from checks.rubric import TESTS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = tuple(test.id for test in TESTS)
_ids = count(1)


def run(test_id="DATA-1", *, days=1.0, at=None, verdict=Verdict.PASS, **fields) -> FindingFact:
    """A finding, by default a passing automatic one of a day ago."""
    number = next(_ids)
    values = {
        "automatic": True,
        "version": "1.0.0",
        "environment": "production",
        "cap": None,
        "audit_id": number,
        "finding_id": number,
        "reason": f"{test_id}: 0 of 12 columns fail.",
        "remedy": "",
    }
    return FindingFact(test_id, verdict, at=at or NOW - timedelta(days=days), **(values | fields))


def attested(test_id="DATA-1", *, days=1.0, valid_days=180.0, result=Verdict.PASS, **fields) -> AttestationFact:
    """An attestation, by default a day old and valid for 180 days from then."""
    at = NOW - timedelta(days=days)
    values = {
        "person": "Ada",
        "expires_at": at + timedelta(days=valid_days),
        "version": "1.0.0",
        "environment": "production",
        "attestation_id": next(_ids),
        "what": "Read the code.",
        "link": "https://forge.example.com/1",
    }
    return AttestationFact(test_id, result, at=at, **(values | fields))


def facts(*evidence, runs=2, as_of=NOW, **fields) -> Facts:
    """Facts of version 1.0.0 in all environments; ``runs`` is the number of automatic runs of every test."""
    values = {
        "model": "credit-default",
        "version": "1.0.0",
        "environment": None,
        "runs": dict.fromkeys(ALL, runs),
        "windows": windows(),
        "automated": frozenset({"DATA-1", "DATA-2", "INFRA-2", "MON-5"}),
    }
    return Facts(
        as_of=as_of,
        findings=tuple(item for item in evidence if isinstance(item, FindingFact)),
        attestations=tuple(item for item in evidence if isinstance(item, AttestationFact)),
        **(values | fields),
    )
