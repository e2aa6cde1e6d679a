"""A small fleet with every kind of evidence, as it would be stored."""

from __future__ import annotations

from datetime import timedelta

from app.db import utcnow
from checks.rubric import TESTS
from tests.scorecards import stored

CSV = b"column,row,value\nincome,17,-4\nregion,210,<script>alert(1)</script>\n"
PLOT = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 20"><text x="4" y="14">gain 0.02</text></svg>'

REASONS = {
    "DATA-1": ("pass", "All 14 features are inside their schema: at most 3 of 48,000 cells fail (0.006 %).", ""),
    "DATA-2": (
        "fail",
        "1 of 9 clusters adds nothing: postcode_area gains at most 0.0004 roc_auc (95 %), needed 0.001.",
        "Drop postcode_area, or show on more data that it helps.",
    ),
    "DATA-4": ("pass", "None of the 14 features is banned; the strongest association with sex is 0.21.", ""),
    "MODEL-5": ("pass", "roc_auc 0.791 against 0.742 of the best baseline (logistic regression).", ""),
    "MODEL-6": (
        "fail",
        "Slice young: error 0.31 against 0.21 overall, at least 6.1 points worse (n = 1,204).",
        "Collect more examples of applicants under 30, or give that slice a model of its own.",
    ),
    "MODEL-7": ("inconclusive", "age_group 75+: 62 labelled rows, 100 are needed.", "Add 38 rows of that group."),
    "INFRA-2": ("pass", "12 tests pass and cover all four kinds.", ""),
    "INFRA-4": ("pass", "roc_auc 0.791 [0.779, 0.803] is above the floor 0.72.", ""),
    "MON-5": ("error", "The check stopped: MemoryError.", "Raise ASSAY_AUDIT_MEMORY_MB and run the audit again."),
}

BODY = {
    "artifact_digest": "9f" * 32,
    "stage": "admit",
    "policy": {"name": "production", "version": 1, "digest": "60" * 32},
    "score": 0.5,
    "section_scores": {"data": 3.0, "model": 4.0, "infra": 1.5, "monitoring": 0.5},
    "expires_at": "2026-01-02T12:00:00Z",
    "decided_at": "2026-01-01T12:00:00Z",
    "evaluation_url": None,
    "audit_id": None,
    "dry_run": False,
    "rubric_version": "2017.1",
}


def condition(test_id, status, actual, reason, remedy=""):
    return {
        "name": f"must_pass.{test_id}",
        "metric": f"{test_id}.verdict",
        "comparator": "==",
        "threshold": "pass",
        "actual": actual,
        "status": status,
        "reason": reason,
        "remedy": remedy,
    }


CONDITIONS = [
    condition("DATA-1", "pass", "pass", "DATA-1 passed (audit 5)."),
    condition("MODEL-5", "unknown", "inconclusive", "MODEL-5 came to no conclusion.", "Add test data."),
    condition("INFRA-4", "fail", "fail", "INFRA-4 failed: roc_auc is credibly below the floor 0.72.", "Retrain."),
]


def plant(database, blobs) -> dict[str, int]:
    """Store the fleet; returns ids of things worth opening."""
    table, plot = blobs.put_bytes(CSV).digest, blobs.put_bytes(PLOT).digest
    with database.write() as session:
        ids = _credit(session, table, plot)
        _tumour(session)
        stored.version(session, stored.model(session, "diabetes-progression", task="regression", risk_tier="low"))
    return ids


def _credit(session, table, plot) -> dict[str, int]:
    now = utcnow()
    model = stored.model(session, retraining_days=90)
    old = stored.version(session, model, "1.0.0", created_at=now - timedelta(days=60))
    new = stored.version(
        session,
        model,
        "1.1.0",
        created_at=now - timedelta(days=6),
        change_reason="new_data",
        commit="3f2a91c0d4e5f60718293a4b5c6d7e8f90123456",
        artifact_format="skops",
        model_class="sklearn.ensemble.HistGradientBoostingClassifier",
    )
    ids = {}
    for version, days in ((old, 40), (new, 5), (new, 1)):
        for test_id, (verdict, reason, remedy) in REASONS.items():
            row = stored.finding(
                session,
                version,
                test_id,
                verdict=verdict,
                reason=reason,
                remedy=remedy,
                created_at=now - timedelta(days=days),
                cap="handed in by a person" if test_id == "INFRA-2" else None,
                measured=measured(test_id),
                thresholds={"max_failing_cells": 0.001, "min_rows": 100},
                exhibits=[
                    {"name": "failure cases", "media_type": "text/csv", "digest": table},
                    {"name": "gains", "media_type": "image/svg+xml", "digest": plot},
                ]
                if test_id in {"DATA-1", "DATA-2"}
                else [],
                inputs={"train": "ab" * 32},
            )
            ids[test_id] = row.id
    stored.finding(
        session,
        new,
        "MODEL-7",
        verdict="pass",
        created_at=now - timedelta(days=3),
        reason="Equalized-odds difference 0.04 [0.01, 0.07], at most 0.1.",
    )
    stored.finding(
        session,
        old,
        "MON-3",
        created_at=now - timedelta(days=12),
        environment="production",
        reason="12 of 1,840,000 logged cells differ (0.0007 %).",
    )
    stored.attestation(
        session, new, "MODEL-1", created_at=now - timedelta(days=4), expires_at=now + timedelta(days=176)
    )
    stored.attestation(
        session,
        old,
        "INFRA-7",
        created_at=now - timedelta(days=190),
        expires_at=now - timedelta(days=10),
        environment="production",
        what="Rolled back and forth in staging.",
    )
    _decisions(session, old, new, ids)
    running = stored.audit(
        session,
        new,
        status="running",
        checks=["DATA-1", "DATA-2", "MODEL-5"],
        started_at=now,
        progress={
            "DATA-1": {"status": "done", "verdict": "pass", "seconds": 0.8},
            "DATA-2": {"status": "running", "verdict": None, "seconds": None},
            "MODEL-5": {"status": "waiting", "verdict": None, "seconds": None},
        },
    )
    return ids | {"running": running.id}


def _decisions(session, old, new, ids) -> None:
    now = utcnow()
    for version, environment, status, conditions in (
        (old, "production", "pass", CONDITIONS[:1]),
        (new, "staging", "pass", CONDITIONS[:1]),
        (new, "production", "fail", CONDITIONS),
        (new, "shadow", "unknown", CONDITIONS[:2]),
        (new, "canary", "in_progress", []),
    ):
        row = stored.decision(session, version, environment, status, created_at=now, decided_at=now)
        asked = {"id": row.id, "status": status, "model": "credit-default", "version": version.name}
        row.body = BODY | asked | {"environment": environment, "conditions": conditions}
        session.add(row)
        ids[f"decision {status}"] = row.id
    session.flush()


def _tumour(session) -> None:
    now = utcnow()
    model = stored.model(session, "tumour-malignancy", risk_tier="medium", owner="oncology@example.com")
    version = stored.version(session, model, "2.3.0")
    for test in TESTS:
        for days in (8, 1):
            if test.id not in {"MON-6", "MON-7", "INFRA-7"}:
                stored.finding(session, version, test.id, created_at=now - timedelta(days=days))
    stored.attestation(session, version, "INFRA-7", created_at=now, expires_at=now + timedelta(days=90))
    stored.decision(session, version, "production", "pass", created_at=now)


def measured(test_id):
    return {
        "rows": 48000,
        "share": 0.0000625,
        "conforms": True,
        "columns": ["income", "region"],
        "features": [{"name": "income", "failing": 3, "share": 0.0000625}, {"name": "<b>region</b>", "failing": 0}],
        "interval": {"low": 0.1, "high": 0.2},
        "deep": {"a": {"b": [1, {"c": 2}]}, "list": [1]},
        "test": test_id,
    }
