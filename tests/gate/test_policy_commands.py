"""``assay policy`` as people run it before they change one: a process of its own, a real server, exit codes."""

from __future__ import annotations

import json

import pytest

from tests.gate import planted
from tests.gate.test_check_command import ASK, assay, nowhere
from tests.http.conftest import Server, server

__all__ = ["Server", "assay", "nowhere", "server"]

pytestmark = pytest.mark.slow

LOOSE = "assay_policy: 1\nname: production\nstages:\n  admit: {must_pass: [DATA-1]}\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "production.yaml").write_text(LOOSE)
    (tmp_path / "wrong.yaml").write_text(LOOSE.replace("must_pass", "must_pas"))


@pytest.fixture
def decided(database, server, assay):
    """One decision that is a fail under the policy in force, and a pass under a looser one."""
    subject = planted.registered(database)[1]
    with database.write() as session:
        planted.admissible(session, subject, DATA_4="fail")
    assert assay(server.url, *ASK, "--no-wait").returncode == 1


def test_a_trial_exits_by_whether_an_answer_changes(files, decided, server, assay, nowhere):
    changed = assay(server.url, "policy", "test", "production.yaml")
    assert changed.returncode == 1
    assert "1 decision replayed, 1 would change" in changed.stdout
    assert "must_pass.DATA-4" in changed.stdout
    told = json.loads(assay(server.url, "policy", "test", "production.yaml", "-o", "json").stdout)
    assert told["changes"][0]["after"] == "pass"
    assert assay(server.url, "policy", "test", "production.yaml", "-e", "staging").returncode == 0
    wrong = assay(server.url, "policy", "test", "wrong.yaml")
    assert (wrong.returncode, wrong.stderr.split(": ")[:2]) == (64, ["wrong.yaml:4", "stages.admit.must_pas"])
    assert assay(server.url, "policy", "test", "nowhere.yaml").returncode == 64
    assert assay(nowhere, "policy", "test", "production.yaml").returncode == 3


def test_a_comparison_exits_by_whether_anything_differs(files, server, assay, nowhere, tmp_path):
    differs = assay(server.url, "policy", "diff", "-f", "production.yaml")
    assert differs.returncode == 1
    assert "production version 1 -> production.yaml" in differs.stdout
    [row] = [line.split() for line in differs.stdout.splitlines() if "test.DATA-4" in line]
    assert row[:3] == ["removed", "test.DATA-4", "must_pass"]
    stages = assay(
        server.url, "policy", "diff", "production", "--stage", "admit", "--stage", "promote", "-o", "json"
    )
    told = {one["subject"]: one["change"] for one in json.loads(stages.stdout)["changes"]}
    assert told["test.INFRA-6"] == "added"
    (tmp_path / "same.yaml").write_text(assay(server.url, "policy", "show", "production").stdout)
    assert assay(server.url, "policy", "diff", "-f", "same.yaml").returncode == 0
    assert assay(server.url, "policy", "diff", "-f", "wrong.yaml").returncode == 64
    assert assay(server.url, "policy", "diff", "production", "--tier", "low").returncode == 64
    assert assay(server.url, "policy", "diff", "production").returncode == 64
    assert assay(nowhere, "policy", "diff", "-f", "production.yaml").returncode == 3
