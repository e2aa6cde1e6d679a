"""A real server, killed in the middle of traffic: every prediction that was acknowledged is stored once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from io import BytesIO
from types import SimpleNamespace

import httpx2
import pytest
from sqlmodel import select

from app.tables import Alert, AuditLog, Deployment, Prediction, PredictionBatch, RollbackDrill, Version
from tests.catalog import releases
from tests.gateway.conftest import deploy, plant
from tests.gateway.test_drills import stage_drill
from tests.gateway.test_protocol import body

pytestmark = pytest.mark.slow

KILLS = 3


def start(settings, port: int, **more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-worker"]
    process = subprocess.Popen(
        command, env=os.environ | settings.whereabouts | {"ASSAY_PREDICTION_SECONDS": "60"} | more
    )
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/v2/health/ready").status_code == 200:
                return process
        except httpx2.HTTPError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError("the server did not start")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def send(url: str, token: str, stop: threading.Event, acknowledged: list[str]) -> None:
    """Predictions without a pause, until the server is gone."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(headers=headers, timeout=90) as client:
        while not stop.is_set():
            try:
                answer = client.post(url, json=body())
            except httpx2.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(answer.json()["id"])


@pytest.mark.parametrize(("log", "kills"), [("standard", KILLS), ("strict", 1)])
def test_every_acknowledged_prediction_is_stored_once_over_kill_9(
    settings, database, blobs, secret, tmp_path, log, kills
):
    import pyarrow.parquet as pq

    plant(database, blobs, tmp_path, "credit-default", "1.0.0")
    deploy(database, "credit-default", "1.0.0")
    token, acknowledged = secret("client"), []
    for _ in range(kills):
        port, stop = free_port(), threading.Event()
        server = start(settings, port, ASSAY_PREDICTION_LOG=log)
        url = f"http://127.0.0.1:{port}/v2/models/credit-default/infer"
        first = len(acknowledged)
        senders = [threading.Thread(target=send, args=(url, token, stop, acknowledged)) for _ in range(3)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 90
        while len(acknowledged) < first + 60 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        for sender in senders:
            sender.join()
        assert len(acknowledged) >= first + 60
    assert list(settings.spool_dir.glob("*.jsonl")), "nothing was left to take up, so this shows nothing"
    server = start(settings, free_port())
    deadline = time.monotonic() + 60
    while len(left := list(settings.spool_dir.glob("*.jsonl"))) and time.monotonic() < deadline:
        time.sleep(0.2)
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    assert left == []
    with database.read() as session:
        known = session.exec(select(Prediction.prediction_id)).all()
        batches = session.exec(select(PredictionBatch)).all()
    rows = [one for batch in batches for one in ids_in(pq.read_table(BytesIO(blobs.read(batch.digest))))]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(known)
    assert sorted(rows) == sorted(known)
    assert releases.FEATURES[0] in pq.read_table(BytesIO(blobs.read(batches[0].digest))).column_names


def ids_in(table) -> list[str]:
    return table.column("assay.id").to_pylist()


def test_a_drill_whose_server_is_killed_is_brought_to_its_end(settings, database, blobs, secret, tmp_path):
    stage_drill(SimpleNamespace(database=database, blobs=blobs), tmp_path)
    headers = {"Authorization": f"Bearer {secret('ci')}"}
    port = free_port()
    server = start(settings, port, ASSAY_LEASE_SECONDS="3")
    url = f"http://127.0.0.1:{port}/api/v1/deployments/drills"
    asked = {"json": {"model": "credit-default"}, "headers": headers, "timeout": 90}
    drilling = threading.Thread(target=ignore_end, args=(url, asked))
    drilling.start()
    wait_for(lambda: stable(database) == "1.0.0")
    server.kill()
    server.wait()
    drilling.join()
    assert stable(database) == "1.0.0"
    server = start(settings, free_port(), ASSAY_LEASE_SECONDS="3")
    try:
        wait_for(lambda: stable(database) == "1.1.0")
        wait_for(lambda: row_of(database).ended_at is not None)
    finally:
        server.terminate()
        server.wait(60)
    drill = row_of(database)
    assert "ended midway; 1.1.0 was put back" in drill.error
    assert (drill.there_seconds, drill.back_seconds) == (None, None)
    with database.read() as session:
        noted = session.exec(select(AuditLog).where(AuditLog.action == "deployment.drill_cut_off")).one()
        assert (noted.subject, noted.details["put_back"]) == (f"drill/{drill.id}", True)
        told = session.exec(select(Alert.title).order_by(Alert.id.desc())).first()
        assert told == "credit-default: a rollback drill in staging was cut off; 1.1.0 was put back"


def ignore_end(url: str, asked) -> None:
    with suppress(httpx2.HTTPError):
        httpx2.post(url, **asked)


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def stable(database) -> str:
    with database.read() as session:
        query = select(Version.name).join(Deployment).where(Deployment.ended_at.is_(None))
        return session.exec(query).one()


def row_of(database) -> RollbackDrill:
    with database.read() as session:
        return session.exec(select(RollbackDrill)).one()
