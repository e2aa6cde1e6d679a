"""How long the gate takes to decide from stored findings: ``python -m benchmarks.gate_latency``.

A SQLite database in a temporary folder holds 1,000 versions (of 20 models) with 20 audits of all 28 tests each:
560,000 findings. Each decision is a whole one: facts, score, conditions, the row and the audit log, committed.
Its peer is a bare commit: as many bytes into another database on the same disk, right after it. That is what the
disk takes by itself, which no code can go below.
"""

from __future__ import annotations

import gc
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from app.access.identity import ROLE_SCOPES, Identity
from app.config import Settings
from app.db import Database, utcnow
from app.gate import service
from app.gate.schemas import EvaluationIn
from app.migrate import upgrade
from app.tables import Audit, Model, Version
from checks.rubric import TESTS

MODELS, VERSIONS_EACH, AUDITS_EACH = 20, 50, 20
WARM_UP, DECISIONS = 20, 1000
BYTES_A_DECISION = 16_000
CI = Identity("pipeline", "ci", ROLE_SCOPES["ci"])

FINDINGS = """
INSERT INTO finding (audit_id, model_id, version_id, environment, check_id, verdict, reason, remedy, measured,
                     thresholds, exhibits, inputs, automatic, seconds, created_at)
SELECT audit.id, model_id, version_id, environment, test.value,
       CASE WHEN (audit.id * 28 + test.key) % 100 < 90 THEN 'pass'
            WHEN (audit.id * 28 + test.key) % 100 < 95 THEN 'fail'
            WHEN (audit.id * 28 + test.key) % 100 < 99 THEN 'inconclusive' ELSE 'error' END,
       'In 30000 rows of the training data 12 cells fail, in no column more than 0.1 %.', 'Read the failure cases.',
       :measured, '{"max_failing_cells": 0.001}', '[]', '{"train": "..."}', 1, 0.2, finished_at
FROM audit CROSS JOIN json_each(:tests) AS test ORDER BY audit.id, test.key
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        upgrade(settings)
        database = Database(settings.sqlalchemy_url)
        _fill(database)
        peer = Database(f"sqlite:///{folder}/peer.sqlite3")
        with peer.write() as session:
            session.connection().exec_driver_sql("CREATE TABLE bare (content TEXT)")
        for _ in range(WARM_UP):
            _decide(database, settings)
            _commit(peer)
        gc.freeze()  # as the server does
        decided, bare = zip(*((_decide(database, settings), _commit(peer)) for _ in range(DECISIONS)), strict=True)
        peer.dispose()
        size = (Path(folder) / "assay.sqlite3").stat().st_size
        database.dispose()
    print(f"gate evaluation: {_quantiles(decided)}, database {size / 1e6:.0f} MB")
    print(f"a bare commit of as many bytes: {_quantiles(bare)}")


def _quantiles(times: Sequence[float]) -> str:
    ordered = sorted(times)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"n {len(ordered)}, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _fill(database: Database) -> None:
    columns = [{"name": f"column {i}", "failing": 0} for i in range(5)]
    with database.write() as session:
        service.install_defaults(session)
        for number in range(MODELS):
            plant(session, number)
        values = {"measured": json.dumps({"columns": columns}), "tests": json.dumps([test.id for test in TESTS])}
        session.connection().execute(text(FINDINGS), values)
    os.sync()


def plant(session: Session, number: int, versions: int = VERSIONS_EACH, audits: int = AUDITS_EACH) -> None:
    """One model with its versions and their audits, the newest of today."""
    model = Model(
        name=f"model-{number}",
        owner="owner",
        purpose="purpose",
        users="users",
        problem_type="productivity",
        task="binary",
        risk_tier="high",
        business_metric={},
        created_by="bench",
    )
    session.add(model)
    session.flush()
    made = [_version(model, f"{name}.0.0") for name in range(versions)]
    session.add_all(made)
    session.flush()
    session.add_all([_audit(version, days) for version in made for days in reversed(range(audits))])
    session.flush()


def _version(model: Model, name: str) -> Version:
    return Version(
        model_id=model.id,
        name=name,
        manifest={},
        files={},
        content_digest="c" * 64,
        artifact_digest="a" * 64,
        change_reason="new_data",
        created_by="bench",
    )


def _audit(version: Version, days: int) -> Audit:
    return Audit(
        model_id=version.model_id,
        version_id=version.id,
        environment="production",
        checks=[],
        trigger="ci",
        actor="pipeline",
        automatic=True,
        status="succeeded",
        progress={},
        finished_at=utcnow() - timedelta(days=days, minutes=1),
    )


def _decide(database: Database, settings: Settings) -> float:
    """Milliseconds for one decision on some version, committed."""
    model, version = random.randrange(MODELS), random.randrange(VERSIONS_EACH)
    asked = EvaluationIn(model=f"model-{model}", version=f"{version}.0.0", environment="production")
    started = time.perf_counter()
    with database.write() as session:
        service.evaluate(session, asked, CI, settings)
    return (time.perf_counter() - started) * 1000


def _commit(peer: Database) -> float:
    """Milliseconds to commit as many bytes as a decision has."""
    started = time.perf_counter()
    with peer.write() as session:
        content = "x" * BYTES_A_DECISION
        session.connection().exec_driver_sql("INSERT INTO bare VALUES (?)", (content,))
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
