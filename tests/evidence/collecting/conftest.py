"""Tools that tests run in an environment of their own, and Assay's command line against a real server."""

import os
import subprocess
from dataclasses import dataclass

import pytest

from app.cli import run
from app.config import ROOT
from tests.catalog.releases import predictions_only, register
from tests.http.conftest import Server, server

__all__ = ["Server", "server"]

TOOLS = ROOT / ".tools" / "bin"
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
"""No tool phones home."""


def tool(name, *arguments, cwd):
    """Run a program of the tools' environment; returns what it printed."""
    path = TOOLS / name
    assert path.exists(), f"{path} is missing: make setup-dev"
    # PYTHON* variables are meant for the test's own interpreter
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= QUIET | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [path, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Console:
    """Assay's command line, as CI has it: address and token of the service in the environment."""

    read: object

    def __call__(self, *arguments):
        """(exit code, what it printed)."""
        code = run([str(argument) for argument in arguments])
        captured = self.read()
        return code, captured.out + captured.err


@pytest.fixture
def assay(monkeypatch, capsys, tmp_path):
    """The command line in an empty folder, without a commit to be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAY_COMMIT", raising=False)
    return Console(capsys.readouterr)


@pytest.fixture
def pipeline(assay, server, secret, monkeypatch):
    """The command line of a CI job that reaches the service."""
    monkeypatch.setenv("ASSAY_URL", server.url)
    monkeypatch.setenv("ASSAY_TOKEN", secret("ci"))
    monkeypatch.setenv("ASSAY_COMMIT", "3f2a91c")
    return assay


@pytest.fixture
def finding(client, work, tmp_path):
    """``register(...)`` before, then ``finding("MODEL-3")``: what an audit finds, and the score's cap."""

    def audit(test_id):
        http = client("ci")
        asked = {"model": "tumour-malignancy", "version": "1.0.0", "checks": [test_id]}
        audit_id = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
        (found,) = http.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
        return found

    return audit


@pytest.fixture
def registered(client, tmp_path):
    """``registered(version__tunables=...)``: the version 1.0.0 of tumour-malignancy with these changes."""

    def make(**changes):
        answer = register(client("ci"), *predictions_only(tmp_path, **changes))
        assert answer.status_code == 201, answer.text

    return make
