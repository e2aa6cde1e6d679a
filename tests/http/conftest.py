"""A real server in a process of its own, for what a test client cannot show."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest


@dataclass
class Server:
    port: int
    process: subprocess.Popen
    log: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def send(self, *parts, until=b"\r\n\r\n", seconds=20):
        """Raw bytes over a socket of their own; what came back, at least up to ``until`` or the end."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused while sending; the answer may be there all the same
            answer = b""
            while until not in answer:
                try:
                    received = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not received:
                    break
                answer += received
        return answer

    def memory_mb(self, field="VmRSS"):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        raise AssertionError(field)


@contextmanager
def serving(settings, log, *, defended=True):
    """``assay serve`` in a process of its own; not ``defended``: the application under uvicorn as it comes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"ASSAY_DATA_DIR": str(settings.data_dir), "ASSAY_MAX_UPLOAD_MB": "32"}
    ours = ["app.cli", "serve", "--no-worker"]
    bare = ["uvicorn", "--factory", "app.main:create_app", "--timeout-keep-alive", "10"]
    command = [sys.executable, "-m", *(ours if defended else bare), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    running = Server(port, process, log)
    try:
        _wait_until_live(running)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def server(settings, tmp_path):
    with serving(settings, tmp_path / "log") as running:
        yield running


def _wait_until_live(server):
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            httpx2.get(f"{server.url}/health/live")
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(server.log.read_text())
