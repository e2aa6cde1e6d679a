"""``assay gate check`` as CI runs it: a process of its own, a real server, reports in files, exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from xml.etree import ElementTree as ET

import pytest

from app.cli.output import styled
from app.gate.policies import write_policy
from tests.gate import planted
from tests.http.conftest import Server, server

__all__ = ["Server", "server"]

pytestmark = pytest.mark.slow

NAME = "credit-default@1.0.0"
ASK = ["gate", "check", NAME, "-e", "production"]
APPROVED = "assay_policy: 1\nname: eu\nstages:\n  admit: {must_pass: [INFRA-4], approvals: {reviewer: 1}}\n"


@pytest.fixture
def assay(tmp_path, secret):
    """``assay(url, ...)``: the command line in ``tmp_path``, with a token of the ``ci`` role; ``assay.running``: it
    goes on meanwhile.
    """
    token = secret("ci")

    def given(url, *arguments):
        environment = {**os.environ, "ASSAY_URL": url, "ASSAY_TOKEN": token}
        return {
            "args": [sys.executable, "-m", "app.cli", *arguments],
            "env": environment,
            "cwd": tmp_path,
            "text": True,
        }

    def run(url, *arguments):
        return subprocess.run(**given(url, *arguments), capture_output=True, timeout=60, check=False)

    def running(url, *arguments):
        return subprocess.Popen(**given(url, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    run.running = running
    return run


@pytest.fixture
def stored(database):
    _, version = planted.registered(database)

    def plant(**verdicts):
        with database.write() as session:
            planted.admissible(session, version, **verdicts)

    return plant


@pytest.fixture
def nowhere():
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def mute():
    """The address of one who takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("verdicts", "code", "word"),
    [({}, 0, "PASS"), ({"INFRA_4": "fail"}, 1, "FAIL"), ({"INFRA_4": "inconclusive"}, 2, "UNKNOWN")],
)
def test_the_exit_code_is_the_answer(server, assay, stored, verdicts, code, word):
    stored(**verdicts)
    answer = assay(server.url, *ASK, "--dry-run")
    assert (answer.returncode, answer.stdout.split()[0]) == (code, word), answer.stdout + answer.stderr


def test_it_waits_for_people_when_told_to(server, assay, stored, database, client):
    stored()
    with database.write() as session:
        write_policy(session, "eu", APPROVED, "tests")
    ask = ["gate", "check", NAME, "-e", "eu"]
    assert assay(server.url, *ask, "--wait").returncode == 2
    with assay.running(server.url, *ask, "--wait-for-people") as waiting:
        assert waiting.stderr.readline() == "waiting for people: approvals.reviewer\n"
        given = {"environment": "eu", "comment": "Read it."}
        path = "/api/v1/models/credit-default/versions/1.0.0/approvals"
        assert client("reviewer").post(path, json=given).status_code == 201
        assert waiting.stdout.read().startswith("PASS")
        assert waiting.wait(60) == 0


def test_many_reports_at_once(server, assay, stored, tmp_path):
    stored(INFRA_4="fail")
    (tmp_path / "summary.md").write_text("before\n")
    forms = ["-o", "sarif=gate.sarif", "-o", "junit=gate.xml", "-o", "json=gate.json", "-o", "github"]
    answer = assay(server.url, *ASK, "--dry-run", *forms, "--summary", "summary.md")
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout.startswith("::error title=FAIL%3A")
    assert json.loads((tmp_path / "gate.sarif").read_text())["runs"][0]["results"]
    assert ET.parse(tmp_path / "gate.xml").getroot().get("failures") == "1"
    assert json.loads((tmp_path / "gate.json").read_text())["status"] == "fail"
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("before\n<!-- assay-gate")
    assert "### FAIL" in summary


def test_a_stored_decision_is_shown_in_every_form(server, assay, stored):
    stored()
    made = json.loads(assay(server.url, *ASK, "-o", "json").stdout)
    shown = assay(server.url, "gate", "show", str(made["id"]), "-o", "markdown")
    assert (shown.returncode, f"/decisions/{made['id']}>" in shown.stdout) == (0, True)


def test_a_service_that_is_down_is_no_answer_and_every_report_says_so(nowhere, assay, tmp_path):
    (tmp_path / "gate.sarif").write_text("the pass of yesterday")
    answer = assay(nowhere, *ASK, "-o", "sarif=gate.sarif", "-o", "github", "--summary", "summary.md")
    assert answer.returncode == 3
    assert "does not answer" in answer.stderr
    assert answer.stdout.startswith("::error title=UNKNOWN%3A")
    assert "No answer" in (tmp_path / "summary.md").read_text()
    (result,) = json.loads((tmp_path / "gate.sarif").read_text())["runs"][0]["results"]
    assert result["level"] == "error"


def test_a_service_that_hangs_is_no_answer(assay):
    with mute() as url:
        answer = assay(url, *ASK, "--timeout", "1")
    assert answer.returncode == 3
    assert "does not answer" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "sarfi"], 'did you mean "sarif"?'),
        (["-o", "junit="], "names no file"),
        (["-o", "json", "-o", "table"], "only one form"),
        (["-o", "junit=no/such/folder/gate.xml"], "No such file or directory"),
        (["--summary", "no/such/folder/summary.md"], "No such file or directory"),
        (["-e", "prodction"], 'did you mean "production"?'),
    ],
)
def test_a_wrong_question_is_told_from_a_no(server, assay, stored, arguments, told):
    stored()
    answer = assay(server.url, *ASK, "--dry-run", *arguments)
    assert (answer.returncode, told in answer.stderr) == (64, True), answer.stdout + answer.stderr


def test_a_table_never_holds_a_command_of_the_runner():
    assert styled("\x1b[2J ::error::x\n##[error]y").plain == "\ufffd[2J : :error::x # # [error]y"
