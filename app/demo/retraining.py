"""The demo's training pipeline: a process of its own that Assay asks for a new version when MON-7 fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from app.catalog.pipelines import parse
from app.cli.training import print_request
from app.client import Assay
from app.config import ROOT
from app.demo import host
from app.demo.telling import say

EXAMPLE = ROOT / "examples" / "credit-default"
PIPELINE, MODEL = "credit-default-training", "credit-default"
LONGEST_SECONDS = 600
DEPLOYED_SECONDS = 60


@dataclass(frozen=True)
class Trainee:
    """The pipeline's process, to be started on ``port``. ``token``: with which it registers and deploys."""

    service: str
    token: str
    port: int

    @contextmanager
    def listening(self, client: Assay, environment: str) -> Iterator[None]:
        """Have Assay ask it for what serves in ``environment``; it listens as long as the block lasts."""
        declared = parse((EXAMPLE / "pipeline.yaml").read_text(encoding="utf-8"))
        client.register_pipeline(declared.model_dump(mode="json"))
        made = client.set_trainer(
            PIPELINE,
            {
                "target": {"kind": "webhook", "url": f"http://127.0.0.1:{self.port}/"},
                "models": [MODEL],
                "environments": [environment],
                "causes": ["degradation"],
            },
        )
        process = self._start(made["secret"])
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    def _start(self, secret: str) -> subprocess.Popen[bytes]:
        builds = host.FOLDER.resolve() / "pipeline" / MODEL
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = os.environ | {
            "WEBHOOK_SECRET": secret,
            "ASSAY_URL": self.service,
            "ASSAY_TOKEN": self.token,
            "PATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "pipeline.py", "--port", str(self.port), "--builds", str(builds)]
        with (host.FOLDER / "pipeline.log").open("ab") as log:
            return subprocess.Popen(command, cwd=EXAMPLE, env=environment, stdout=log, stderr=log)  # noqa: S603


def show_outcome(client: Assay, environment: str) -> None:
    """Wait for the new version to be audited, gated and, if it may, deployed; tell how it came."""
    say("Meanwhile: the pipeline was asked, and a new version came")
    deadline = time.monotonic() + LONGEST_SECONDS
    while (one := client.training_requests(model=MODEL)[0])["ended_at"] is None and time.monotonic() < deadline:
        time.sleep(1)
    print_request(one)
    deadline = time.monotonic() + DEPLOYED_SECONDS
    while one["status"] == "succeeded" and time.monotonic() < deadline:
        serving = client.deployments(model=MODEL, environment=environment)
        if any(row["version"] == one["version"] for row in serving):
            typer.echo(f"  the pipeline let it in as a canary in {environment}")
            return
        time.sleep(0.5)
