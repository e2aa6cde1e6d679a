"""The demo's own service: started on a free port, with its data in a folder of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.access.service import create_sign_in_link, create_token
from app.client import Assay, Problem, ServiceError
from app.config import Settings
from app.db import Database

FOLDER = Path(".assay-demo")
START_SECONDS = 60
SEARCHED_PORTS = 50


@contextmanager
def service(settings: Settings, port: int, more: Mapping[str, str]) -> Iterator[None]:
    """The service in a process of its own, its log beside its data. ``more``: further settings, as environment."""
    environment = os.environ | settings.whereabouts | {"ASSAY_PUBLIC_URL": settings.public_url, **more}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with (FOLDER / "service.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def token(settings: Settings, name: str, role: str) -> str:
    """A token for this run: whoever has the ci role's acts as a pipeline, and the scorecard says so."""
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        _, secret = create_token(session, name=name, role=role, days=1, created_by="demo")
    database.dispose()
    return secret


def sign_in_link(settings: Settings) -> str:
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        link = create_sign_in_link(session, settings, name="demo", role="admin", created_by="demo")
    database.dispose()
    return link


def free_port(wanted: int) -> int:
    for port in range(wanted, wanted + SEARCHED_PORTS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise ServiceError(f"no free port from {wanted} on")


def wait_until_ready(client: Assay) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.health()
        except (ServiceError, Problem):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
