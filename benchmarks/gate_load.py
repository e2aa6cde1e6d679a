"""How many gate calls a service answers: ``python -m benchmarks.gate_load [--database sqlite|postgresql]``.

Eight clients ask a real ``assay serve`` over HTTP, each with a connection and a token of its own, one call after
another. A call is the whole path: token, facts, score, conditions, the decision with its signature and the entry of
the audit log's chain, committed to disk (fsync on, on PostgreSQL too) before the answer. Its peer is what the disk
takes by itself: eight threads committing as many bytes to a bare table, in the same run. Afterwards the chain is
verified.

Demand, on a quiet machine: SQLite at least 300 calls/s and p99 <= 50 ms, PostgreSQL 250 calls/s and p99 <= 75 ms.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, text
from sqlmodel import Session, select

from app.access.service import create_token
from app.client import Assay, ServiceError
from app.config import Settings
from app.db import Database
from app.gate.policies import install_defaults
from app.migrate import upgrade
from app.tables import Audit, Finding
from benchmarks.gate_latency import BYTES_A_DECISION, plant
from checks.rubric import TESTS
from tests.postgres import Postgres

CLIENTS, SECONDS, WARM_UP_SECONDS = 8, 20.0, 3.0
MODELS, VERSIONS, AUDITS = 20, 5, 2
DEMANDED = {"sqlite": (300, 50), "postgresql": (250, 75)}
"""Calls a second, and milliseconds of p99."""
DURABLE = ("max_connections = 200",)


@dataclass(frozen=True)
class Load:
    """Milliseconds of each call, and how long all of them took together (s)."""

    times: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        return sorted(self.times)[int(len(self.times) * share)]

    def __str__(self) -> str:
        p50, p99 = self.quantile(0.5), self.quantile(0.99)
        return f"n {len(self.times)}, {self.rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="gate_load", description=__doc__)
    parser.add_argument("--database", choices=DEMANDED, action="append")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    for kind in given.database or DEMANDED:
        with _database(kind) as settings:
            _measure(kind, settings, given.seconds)


@contextmanager
def _database(kind: str) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield Settings(data_dir=Path(folder), database_url="")
            return
        server = Postgres(DURABLE)
        try:
            with server.database() as url:
                yield Settings(data_dir=Path(folder), database_url=url)
        finally:
            server.stop()


def _measure(kind: str, settings: Settings, seconds: float) -> None:
    tokens = itertools.cycle(_fill(settings))
    with _served(settings) as (port, pid):
        _load(lambda: _client(port, next(tokens)), WARM_UP_SECONDS)
        before = _processor_seconds(pid)
        calls = _load(lambda: _client(port, next(tokens)), seconds)
        spent = (_processor_seconds(pid) - before) / len(calls.times) * 1000
    bare = _load(_commits(settings), seconds / 4)
    rate, p99 = DEMANDED[kind]
    met = "met" if calls.rate >= rate and calls.quantile(0.99) <= p99 else "NOT met"
    print(f"{kind}: {CLIENTS} clients, {calls}; demanded {rate}/s, p99 {p99} ms: {met}")
    print(f"{kind}: {spent:.1f} ms of processor time a call in the service, whatever else the machine does")
    print(f"{kind}: bare commits of as many bytes by {CLIENTS} threads: {bare}")
    verify = [sys.executable, "-m", "app.cli", "audit-log", "verify"]
    told = subprocess.run(
        verify, env=os.environ | settings.whereabouts, capture_output=True, text=True, check=False
    )
    print(f"{kind}: audit log {(told.stdout or told.stderr).strip()}")


def _fill(settings: Settings) -> list[str]:
    """Versions with a fresh finding of every test, so that no audit has to run first; tokens of the role ci."""
    upgrade(settings)
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        install_defaults(session)
        names = [f"pipeline {number}" for number in range(CLIENTS)]
        tokens = [create_token(session, name=name, role="ci", created_by="bench")[1] for name in names]
        for number in range(MODELS):
            plant(session, number, versions=VERSIONS, audits=AUDITS)
        _add_findings(session)
    database.dispose()
    return tokens


def _add_findings(session: Session) -> None:
    rows = [
        {
            "audit_id": audit.id,
            "model_id": audit.model_id,
            "version_id": audit.version_id,
            "environment": "production",
            "check_id": test.id,
            "verdict": "pass",
            "reason": "In 30000 rows of the training data 12 cells fail, in no column more than 0.1 %.",
            "remedy": "",
            "measured": {"columns": [{"name": f"column {i}", "failing": 0} for i in range(5)]},
            "thresholds": {"max_failing_cells": 0.001},
            "exhibits": [],
            "inputs": {},
            "automatic": True,
            "seconds": 0.2,
            "created_at": audit.finished_at,
        }
        for audit in session.exec(select(Audit))
        for test in TESTS
    ]
    session.connection().execute(insert(Finding), rows)


@contextmanager
def _served(settings: Settings) -> Iterator[tuple[int, int]]:
    """(port, process id) of a service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with (settings.data_dir / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | settings.whereabouts, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _processor_seconds(pid: int) -> float:
    """That a process has used, as user and in the kernel."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _wait(port: int) -> None:
    with Assay(f"http://127.0.0.1:{port}") as assay:
        for _ in range(300):
            try:
                assay.health()
            except ServiceError:
                time.sleep(0.2)
            else:
                return
    raise TimeoutError("the service did not start")


def _load(make: Callable[[], Callable[[], None]], seconds: float) -> Load:
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(_repeat, make(), started + seconds) for _ in range(CLIENTS)]
        times = [one for future in running for one in future.result()]
    return Load(times, time.monotonic() - started)


def _repeat(call: Callable[[], None], until: float) -> list[float]:
    times = []
    while (started := time.perf_counter()) and time.monotonic() < until:
        call()
        times.append((time.perf_counter() - started) * 1000)
    return times


def _client(port: int, token: str) -> Callable[[], None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask() -> None:
        connection.request("POST", "/api/v1/gate/evaluations", json.dumps(_question()), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{answer.status}: {content[:300]!r}")

    return ask


def _question() -> Mapping[str, str]:
    model, version = random.randrange(MODELS), random.randrange(VERSIONS)
    return {"model": f"model-{model}", "version": f"{version}.0.0", "environment": "production"}


def _commits(settings: Settings) -> Callable[[], Callable[[], None]]:
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE bare (content TEXT)")

    def commit() -> None:
        with database.write() as session:
            session.connection().execute(text("INSERT INTO bare VALUES (:x)"), {"x": "x" * BYTES_A_DECISION})

    return lambda: commit


if __name__ == "__main__":
    main()
