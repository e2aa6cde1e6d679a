"""``make demo``: three models, two versions each, through the whole service as a pipeline would do it.

It acts with a token of the ci role that it creates, on a service that it starts; every verdict is the checks'
own. What was done before is not done again, so a second run starts from where the first one was.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from app.access.service import create_sign_in_link, create_token
from app.cli.audits import follow
from app.cli.catalog import git_head, read_manifest, register_manifest
from app.cli.output import console, print_table, styled
from app.cli.scorecards import print_scorecard
from app.client import Assay, Problem, ServiceError
from app.config import ROOT, Settings
from app.db import Database
from app.gate.render import render
from app.server import prepare

FOLDER = Path(".assay-demo")
RELEASES = tuple(
    (model, version)
    for model in ("tumour-malignancy", "diabetes-progression", "credit-default")
    for version in ("1.0.0", "1.1.0")
)
GATES = ("staging", "production")
START_SECONDS = 60
SEARCHED_PORTS = 50


@dataclass(frozen=True)
class Release:
    """One version of one example, and the folder that its pipeline writes into."""

    model: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.model}@{self.version}"

    @property
    def source(self) -> Path:
        return ROOT / "examples" / self.model

    @property
    def out(self) -> Path:
        return FOLDER.resolve() / "pipeline" / self.model / self.version


def tell(*, once: bool, port: int) -> None:
    """Tell the whole story; leave the service running unless ``once``."""
    started = time.monotonic()
    port = _free_port(port)
    settings = Settings(data_dir=FOLDER / "data", public_url=f"http://127.0.0.1:{port}")
    _say("Preparing the database and starting the service")
    prepare(settings)
    with _service(settings, port), Assay(settings.public_url, _ci_token(settings)) as client:
        _wait_until_ready(client)
        decisions = [row for model, version in RELEASES for row in _release(client, Release(model, version))]
        _say("The gate's answers")
        print_table("", ("VERSION", "ENVIRONMENT", "STAGE", "ANSWER", "SCORE", "BECAUSE"), decisions)
        _say(f"Done in {time.monotonic() - started:.0f} s")
        if not once:
            _stay(settings)


# --- one release, as its pipeline would do it -------------------------------------------------------


def _release(client: Assay, release: Release) -> list[tuple[Any, ...]]:
    """Train, test, register, audit, ask the gate; returns the rows of the summary."""
    _say(release.name)
    commit = _train_and_test(release)
    manifest = read_manifest(release.out / "assay.yaml", {"commit": commit} if commit else {})
    answer = register_manifest(client, manifest, release.out)
    typer.echo("  registered" if answer["created"] else "  was registered before")
    if not client.audits(model=release.model, version=release.version, status="succeeded"):
        audit = client.run_audit(release.model, release.version)
        typer.echo(f"  audit {audit['id']}")
        follow(client, audit["id"], timeout=600)
    print_scorecard(client.scorecard(release.model, release.version))
    return [_ask(client, release, environment) for environment in GATES]


def _train_and_test(release: Release) -> str | None:
    """Train the version and run its own unit tests, unless that was done; returns the commit it was made from."""
    done = release.out / "made-from.json"
    if not done.exists():
        release.out.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "train.py", "--recipe", release.version, "--out", str(release.out)], release.source)
        junit = release.out / "reports" / "junit.xml"
        tests = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"]
        _run(tests, release.source)
        done.write_text(json.dumps({"commit": git_head(release.source)}))
    commit: str | None = json.loads(done.read_text())["commit"]
    return commit


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    for line in result.stdout.strip().splitlines()[-2:]:
        typer.echo(f"  {line}")
    if result.returncode:
        typer.echo(result.stdout + result.stderr, err=True)
        raise typer.Exit(1)


def _ask(client: Assay, release: Release, environment: str) -> tuple[Any, ...]:
    decision = client.evaluate(release.model, release.version, environment=environment, wait=300)
    typer.echo(f"\n{render(decision, 'table')}")
    against = [c["name"].split(".")[-1] for c in decision["conditions"] if c["status"] != "pass"]
    because = ", ".join(against) or "every condition holds"
    return release.name, environment, decision["stage"], decision["status"], decision["score"], because


# --- the service --------------------------------------------------------------------------------------


@contextmanager
def _service(settings: Settings, port: int) -> Iterator[None]:
    """The service in a process of its own, its log beside its data."""
    environment = os.environ | settings.whereabouts | {"ASSAY_PUBLIC_URL": settings.public_url}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with (FOLDER / "service.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _ci_token(settings: Settings) -> str:
    """A token of the ci role for this run: whoever has it acts as a pipeline, and the scorecard says so."""
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        _, secret = create_token(session, name="demo-pipeline", role="ci", days=1, created_by="demo")
    database.dispose()
    return secret


def _free_port(wanted: int) -> int:
    for port in range(wanted, wanted + SEARCHED_PORTS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise ServiceError(f"no free port from {wanted} on")


def _wait_until_ready(client: Assay) -> None:
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


def _stay(settings: Settings) -> None:
    """Print where to look, last, and serve on until somebody ends it."""
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        link = create_sign_in_link(session, settings, name="demo", role="admin", created_by="demo")
    database.dispose()
    _say("The service is running; Ctrl-C ends it")
    model, version = RELEASES[-1]
    typer.echo(f"Scorecards  {settings.public_url}/models/{model}/versions/{version}")
    typer.echo(f"Sign in     {link}")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        _say("Stopping")


def _say(text: str) -> None:
    console().print()
    console().print(styled("■"), text, style="bold")
