"""A real MLflow tracking server on SQLite, in a process of its own."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import httpx2

from tests.evidence.collecting.conftest import QUIET, TOOLS

START_SECONDS = 120


@contextmanager
def mlflow_server(folder, **environment):
    """Its URL. ``environment``: more than tools need to be quiet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [
        *(TOOLS / "mlflow", "server", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.sqlite3'}"),
        *("--artifacts-destination", folder / "artifacts"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | QUIET | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_answering(url, process, folder / "log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the server and its workers, a session of their own
        process.wait(30)


def _wait_until_answering(url, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
