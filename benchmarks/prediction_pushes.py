"""200 prediction files pushed twice to a service (``assay serve``) over a socket: each row is stored once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from sqlmodel import func, select

from app.access.service import create_token
from app.config import Settings
from app.db import Database
from app.migrate import upgrade
from app.tables import Prediction
from tests.audits.conftest import plant
from tests.monitoring.test_pushing import WHERE, log, parquet

FILES, ROWS = 200, 500
START_SECONDS = 60


def main() -> None:
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        upgrade(settings)
        database = Database(settings.sqlalchemy_url)
        with database.write() as session:
            plant(session)
            _, token = create_token(session, name="bench", role="ci", created_by="bench")
        contents = [parquet(log(ROWS, start=ROWS * number)) for number in range(FILES)]
        with (
            served(settings) as url,
            httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
        ):
            for what in ("first", "again"):
                push(http, contents, what)
        with database.read() as session:
            stored = session.exec(select(func.count()).select_from(Prediction)).one()
        database.dispose()
    print(f"stored: {stored}, expected {FILES * ROWS}")
    if stored != FILES * ROWS:
        raise SystemExit(1)


def push(http: httpx2.Client, contents: list[bytes], what: str) -> None:
    began, new, known = time.monotonic(), 0, 0
    for content in contents:
        answer = http.post("/api/v1/predictions", params=WHERE | {"filename": "l.parquet"}, content=content)
        told = answer.raise_for_status().json()
        new, known = new + told["new"], known + told["known"]
    seconds = time.monotonic() - began
    rate = FILES * ROWS / seconds
    print(f"{what}: {FILES} files x {ROWS} rows in {seconds:.1f} s, {rate:.0f} rows/s: {new} stored, {known} known")


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of a service on this machine, without a worker, for as long as the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--no-worker", "--port", str(port)]
    environment = os.environ | settings.whereabouts | {"ASSAY_LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/v2/health/ready").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
