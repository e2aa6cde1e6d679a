"""kill -9 of the process that forgets somebody, at every step: the next one finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from app.access import audit_log
from app.monitoring.personal import retention
from app.monitoring.predictions import store_rows
from app.tables import Blob, PredictionBatch
from tests.personal.test_forgetting import (  # noqa: F401 - fixtures
    MODEL,
    PERSON,
    destination,
    logs,
    of_people,
    planted,
    seen,
)

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

FORGETTER = """
import os, signal, sys
from app.access.identity import Identity
from app.config import Settings
from app.db import Database
from app.evidence.blobs import BlobStore
from app.monitoring.personal import segments
from app.monitoring.personal.forgetting import Whom, forget

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

model, person, where, name, when = sys.argv[1:]
owner = {"segments": segments, "blobs": BlobStore}[where]
real = getattr(owner, name)

def last(*given, **named):
    real(*given, **named)
    die()

setattr(owner, name, die if when == "before" else last)
settings = Settings()
db = Database(settings.sqlalchemy_url)
with db.write() as session:
    forget(session, Identity("dpo", "admin", frozenset()), model, Whom(person=person), "asked")
segments.finish(db, BlobStore(settings.blob_dir), settings)
"""


@pytest.mark.parametrize(
    "step",
    [
        ("segments", "_reduce", "before"),
        ("segments", "_without_others", "after"),
        ("blobs", "put", "after"),
        ("segments", "_reduce", "after"),
        ("blobs", "remove", "before"),
        ("blobs", "remove", "after"),
    ],
    ids=" ".join,
)
def test_killed_at_any_step_it_is_finished(database, blobs, destination, settings, step):  # noqa: F811
    store_rows(database, blobs, destination(), of_people(9))
    store_rows(database, blobs, destination(role="shadow"), of_people(9, start=20))
    with database.read() as session:
        old = session.exec(select(PredictionBatch.digest)).all()
    environment = os.environ | settings.whereabouts
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FORGETTER, MODEL, PERSON, *step]
    killed = subprocess.run(command, env=environment, cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    retention.look_after(database, settings)
    assert len(seen(database)) == 12
    assert [frame["customer"].eq(PERSON).sum() for frame in logs(database, blobs)] == [0, 0]
    assert not any(blobs.has(one) for one in old)
    with database.read() as session:
        assert all(one.removed_at for one in session.exec(select(Blob).where(Blob.doomed)).all())
        assert audit_log.verification(session).valid
