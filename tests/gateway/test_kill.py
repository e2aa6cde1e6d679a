"""A real server, killed in the middle of traffic: every prediction that was acknowledged is stored once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from io import BytesIO

import httpx2
import pytest
from sqlmodel import select

from app.tables import Prediction, PredictionBatch
from tests.catalog import releases
from tests.gateway.conftest import deploy, plant
from tests.gateway.test_protocol import body

pytestmark = pytest.mark.slow

KILLS = 3


def start(settings, port: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-worker"]
    process = subprocess.Popen(command, env=os.environ | settings.whereabouts | {"ASSAY_PREDICTION_SECONDS": "60"})
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


def test_every_acknowledged_prediction_is_stored_once_over_kill_9(settings, database, blobs, secret, tmp_path):
    import pyarrow.parquet as pq

    plant(database, blobs, tmp_path, "credit-default", "1.0.0")
    deploy(database, "credit-default", "1.0.0")
    token, acknowledged = secret("client"), []
    for _ in range(KILLS):
        port, stop = free_port(), threading.Event()
        server = start(settings, port)
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
