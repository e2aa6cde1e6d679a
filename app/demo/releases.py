"""A release as its pipeline would make it: train, test, register, audit, ask the gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from app.cli.audits import follow
from app.cli.catalog import git_head, read_manifest, register_manifest
from app.cli.scorecards import print_scorecard
from app.client import Assay, Decision
from app.config import ROOT
from app.demo.host import FOLDER
from app.demo.telling import say
from app.gate.render import render


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


@dataclass(frozen=True)
class Build:
    """A release that is made and registered, and what that told."""

    release: Release
    told: Sequence[str]


def make(client: Assay, release: Release) -> Build:
    """Train, test and register the release. What was done is not done again."""
    commit, told = _train_and_test(release)
    manifest = read_manifest(release.out / "assay.yaml", {"commit": commit} if commit else {})
    answer = register_manifest(client, manifest, release.out)
    return Build(release, [*told, "registered" if answer["created"] else "was registered before"])


def deliver(client: Assay, build: Build) -> None:
    """Audit a release unless that was done, and show its scorecard."""
    release = build.release
    say(release.name)
    for line in build.told:
        typer.echo(f"  {line}")
    if not client.audits(model=release.model, version=release.version, status="succeeded"):
        audit = client.run_audit(release.model, release.version)
        typer.echo(f"  audit {audit['id']}")
        follow(client, audit["id"], timeout=600)
    print_scorecard(client.scorecard(release.model, release.version))


def ask(client: Assay, release: Release, environment: str, stage: str = "admit") -> Decision:
    """Ask the gate and show its answer."""
    decision = client.evaluate(release.model, release.version, environment=environment, stage=stage, wait=300)
    typer.echo(f"\n{render(decision, 'table')}")
    return decision


def in_short(release: Release, decision: Decision) -> tuple[Any, ...]:
    """The decision as a row of the summary."""
    against = [c["name"].split(".")[-1] for c in decision["conditions"] if c["status"] != "pass"]
    because = ", ".join(against) or "every condition holds"
    return release.name, decision["environment"], decision["stage"], decision["status"], decision["score"], because


def _train_and_test(release: Release) -> tuple[str | None, list[str]]:
    """Train the version and run its own unit tests, unless that was done; the commit, and what both told."""
    done, told = release.out / "made-from.json", list[str]()
    if not done.exists():
        release.out.mkdir(parents=True, exist_ok=True)
        train = [sys.executable, "train.py", "--recipe", release.version, "--out", str(release.out)]
        told += run(train, release.source)
        junit = release.out / "reports" / "junit.xml"
        tests = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"]
        told += run(tests, release.source)
        done.write_text(json.dumps({"commit": git_head(release.source)}))
    return json.loads(done.read_text())["commit"], told


def run(command: list[str], folder: Path) -> list[str]:
    """Run a script of the example as its owner would; returns the end of what it prints."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        typer.echo(result.stdout + result.stderr, err=True)
        raise typer.Exit(1)
    return result.stdout.strip().splitlines()[-2:]
