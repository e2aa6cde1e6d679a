"""Weeks in the life of a served model: traffic, labels, monitoring audits, a turn for the worse, the way back.

The weeks are replayed from data that no version has seen (examples/credit-default/traffic.py), at their own dates.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from app.cli.audits import follow
from app.cli.output import print_table
from app.client import Assay
from app.config import ROOT
from app.demo.receiver import Receiver
from app.demo.releases import Release, ask, run
from app.demo.retraining import Trainee, show_outcome
from app.demo.telling import say

ENVIRONMENT = "pilot"
POLICY = ROOT / "examples" / "policies" / "pilot.yaml"
FIRST, SECOND = Release("credit-default", "1.0.0"), Release("credit-default", "1.2.0")
WATCHED = ("MON-2", "MON-3", "MON-7")
SECONDS_TO_BE_TOLD = 60


@dataclass(frozen=True)
class Weeks:
    """Weeks in which ``release`` answered. ``defects``: what was wrong in serving, all of it still unknown."""

    release: Release
    start: str
    days: int
    role: str
    defects: tuple[str, ...] = ()

    @property
    def out(self) -> Path:
        return self.release.out / f"served-{self.start}"

    @property
    def end(self) -> datetime:
        return datetime.fromisoformat(self.start).replace(tzinfo=UTC) + timedelta(days=self.days)


FIRST_WEEKS = Weeks(FIRST, "2024-10-07", 28, "canary")
SECOND_WEEKS = Weeks(SECOND, "2024-11-04", 14, "canary")
CODE_DEFECTS = ("unit_change", "rounding")
TURNS = (
    (Weeks(SECOND, "2024-11-18", 7, "stable", CODE_DEFECTS), "income arrives in cents, ratios are rounded"),
    (Weeks(SECOND, "2024-11-25", 7, "stable", (*CODE_DEFECTS, "label_shift")), "more people default, too"),
)
WEEKS = (FIRST_WEEKS, SECOND_WEEKS, *(weeks for weeks, _ in TURNS))


def replay(weeks: Weeks) -> list[str]:
    """Write what was served in the weeks into their folder, unless it is there; returns what the script tells."""
    if (weeks.out / "labels.csv").exists():
        return []
    artifact, days = str(weeks.release.out / "model.skops"), str(weeks.days)
    defects = [part for name in weeks.defects for part in ("--defect", name)]
    command = [sys.executable, "traffic.py", "--model", artifact, "--from", weeks.start, "--days", days, *defects]
    return run([*command, "--out", str(weeks.out)], weeks.release.source)


def watch(
    client: Assay, admin: Assay, receiver: Receiver, replays: Mapping[Weeks, Future[list[str]]], trainee: Trainee
) -> None:
    """Let ``FIRST`` serve, replace it by ``SECOND``, see that go wrong, be told, go back, and be sent a new one.

    ``replays``: ``replay`` of each of ``WEEKS``. ``trainee``: is asked for the new one.
    """
    if client.deployments(model=FIRST.model, environment=ENVIRONMENT):
        say(f"{FIRST.model} has served in {ENVIRONMENT} before")
        _show_deployments(client)
        return
    say(f"{FIRST.name} begins to serve in {ENVIRONMENT}")
    admin.put_policy(ENVIRONMENT, POLICY.read_text())
    receiver.secret = admin.subscribe({"name": "demo", "channel": "webhook", "target": receiver.url})["secret"]
    _admit_and_promote(client, FIRST_WEEKS, replays)
    say(f"{SECOND.name} takes over, with new feature code in the serving system")
    _admit_and_promote(client, SECOND_WEEKS, replays)
    with trainee.listening(client, ENVIRONMENT):
        for weeks, what in TURNS:
            say(f"The week of {weeks.start}: {what}, and nobody knows")
            _serve(client, weeks, replays)
            _be_told(receiver, _audit(client, weeks))
        _go_back(client, weeks)
        show_outcome(client, ENVIRONMENT)
    _show_deployments(client)


def _go_back(client: Assay, weeks: Weeks) -> None:
    say("May it stay?")
    ask(client, SECOND, ENVIRONMENT, "promote")
    say("Back to the last known good version")
    _predict(client, weeks)
    client.roll_back(FIRST.model, environment=ENVIRONMENT, reason="MON-2, MON-3 and MON-7 failed")
    _predict(client, weeks)


def _admit_and_promote(client: Assay, weeks: Weeks, replays: Mapping[Weeks, Future[list[str]]]) -> None:
    """A canary first; stable when its own traffic has shown that it may be."""
    release = weeks.release
    ask(client, release, ENVIRONMENT)
    client.deploy(release.model, release.version, environment=ENVIRONMENT, role="canary", reason="canary")
    _serve(client, weeks, replays)
    _audit(client, weeks)
    ask(client, release, ENVIRONMENT, "promote")
    client.deploy(release.model, release.version, environment=ENVIRONMENT, role="stable", reason="promoted")


def _serve(client: Assay, weeks: Weeks, replays: Mapping[Weeks, Future[list[str]]]) -> None:
    """Push the weeks: what was answered, what the pipeline recomputes, and (months later) what came true."""
    release, out = weeks.release, weeks.out
    for line in replays[weeks].result():
        typer.echo(f"  {line}")
    stored = client.push_predictions(
        release.model,
        release.version,
        out / "predictions.parquet",
        environment=ENVIRONMENT,
        role=weeks.role,
    )
    joined = client.push_label_file(release.model, out / "labels.csv", {"observed": "label_at"})
    typer.echo(f"  {stored['new']} predictions stored, {joined['joined']} labels joined")
    client.push_evidence(release.model, release.version, "recomputed-features", out / "recomputed.parquet")


def _audit(client: Assay, weeks: Weeks) -> dict[str, Any]:
    """Audit the weeks, as the scheduler would; returns the audit."""
    audit = client.run_audit(
        weeks.release.model,
        weeks.release.version,
        environment=ENVIRONMENT,
        checks=list(WATCHED),
        window=((weeks.end - timedelta(days=weeks.days)).isoformat(), weeks.end.isoformat()),
    )
    follow(client, audit["id"], timeout=600)
    for finding in client.findings(audit["id"]):
        typer.echo(f"  {finding['check_id']} {finding['verdict']}: {finding['reason']}")
    return audit


def _be_told(receiver: Receiver, audit: dict[str, Any]) -> None:
    """Show what the demo's receiver was told of the audit."""
    told = receiver.wait_for("verdict.changed", f"/audits/{audit['id']}", SECONDS_TO_BE_TOLD)
    typer.echo(f"  told, signed: {told['data']['title']}" if told else "  nobody was told: no verdict turned")


def _predict(client: Assay, weeks: Weeks) -> None:
    """Ask the gateway for one application, and show who answers."""
    answer = client.infer(
        FIRST.model, json.loads((weeks.out / "request.json").read_text()), environment=ENVIRONMENT
    )
    outputs = ", ".join(f"{one['name']} {one['data']}" for one in answer["outputs"])
    typer.echo(f"  {answer['model_name']} {answer['model_version']} answers: {outputs}")


def _show_deployments(client: Assay) -> None:
    rows = [
        (
            f"{one['model']}@{one['version']}",
            one["role"],
            one["kind"],
            one["started_at"],
            one["outcome"] or "serves",
        )
        for one in client.deployments(model=FIRST.model, environment=ENVIRONMENT)
    ]
    print_table("", ("VERSION", "ROLE", "BY", "SINCE", "OUTCOME"), rows)
