"""A real service in a process of its own, with a small fleet in its database and an administrator's token."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from sqlmodel import delete

from app.access.service import create_token
from app.config import Settings
from app.db import Database
from app.evidence.blobs import BlobStore
from app.gate.policies import install_defaults
from app.migrate import upgrade
from app.tables import Decision
from tests.pages.story import plant


@dataclass
class Furnished:
    url: str
    token: str
    pid: int

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@contextmanager
def furnished(log: Path | None = None) -> Iterator[Furnished]:
    """A service over a database with a few models; ended at the end."""
    with TemporaryDirectory() as folder, socket.socket() as free:
        settings = Settings(data_dir=Path(folder), database_url="")
        token = _furnish(settings)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--port", str(port)]
        environment = os.environ | {"ASSAY_DATA_DIR": folder, "ASSAY_DATABASE_URL": "", "ASSAY_MAX_UPLOAD_MB": "32"}
        environment |= {"ASSAY_REQUESTS_PER_SECOND": "0", "ASSAY_STRANGERS_PER_SECOND": "0"}
        with (log or Path(folder) / "log").open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
            try:
                _wait(f"http://127.0.0.1:{port}")
                yield Furnished(f"http://127.0.0.1:{port}", token, process.pid)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


def _furnish(settings: Settings) -> str:
    upgrade(settings)
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        install_defaults(session)
        row, token = create_token(session, name="fuzz", role="admin", created_by="tests")
        row.id = 987_654  # that no request revokes the one it was sent with
    plant(database, BlobStore(settings.blob_dir))
    with database.write() as session:
        session.exec(delete(Decision))  # the story's were made up: the gate itself makes real ones
    database.dispose()
    return token


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            httpx2.get(f"{url}/health/live")
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the service did not start")
