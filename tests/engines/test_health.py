"""``assay engines``: what is told of engines, and with which exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from app.cli import run
from app.engines import bubblewrap, health
from tests.engines.test_deepchecks import stand_in


@pytest.fixture
def engines(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_ENGINES_DIR", str(tmp_path))
    return tmp_path


def test_a_missing_engine_is_named_with_the_way_out(engines, capsys):
    assert run(["engines", "doctor"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["duckdb", "ok", health.own_engines()[0].version]
    assert told[-1].startswith("deepchecks   missing  cannot be started")
    assert told[-1].endswith("to mend it: assay engines install")


def test_a_broken_engine_is_missing_too(engines, capsys):
    stand_in(engines, "echo 'ImportError: no pkg_resources' >&2; exit 1")
    assert run(["engines", "doctor"]) == 1
    assert "exit code 1: ImportError: no pkg_resources" in capsys.readouterr().out


def test_all_well_exits_with_0(engines, capsys):
    stand_in(engines, "echo 0.19.1")
    assert run(["engines", "doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["deepchecks", "ok", "0.19.1"]


@pytest.mark.parametrize(("program", "code"), [(bubblewrap.PROGRAM, 0), ("/nowhere/bwrap", 1)])
def test_isolation_is_looked_at_where_the_service_may_train(engines, monkeypatch, capsys, program, code):
    if not code and not shutil.which(program):
        pytest.skip("no bubblewrap is installed")
    stand_in(engines, "echo 0.19.1")
    monkeypatch.setenv("ASSAY_TRAIN_TWICE", '{"training": {"command": ["/usr/bin/true"]}}')
    monkeypatch.setattr(bubblewrap, "PROGRAM", program)
    assert run(["engines", "doctor"]) == code
    assert ("isolates" if not code else "install bubblewrap") in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("uv", [True, False])
def test_an_environment_is_made_from_its_lock_with_hashes(engines, monkeypatch, uv):
    steps = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: steps.append(command))
    monkeypatch.setattr(health, "_uv", lambda: "uv" if uv else None)
    (engines / "deepchecks").mkdir()
    (engines / "deepchecks" / "half-made").touch()
    health.install(engines, "deepchecks")
    assert not (engines / "deepchecks" / "half-made").exists()
    assert [command[0] for command in steps] == (
        ["uv", "uv"] if uv else [sys.executable, str(health.python_of(engines, "deepchecks"))]
    )
    assert steps[0][-1] == str(engines / "deepchecks")
    assert steps[1][-3] == "--require-hashes"
    assert steps[1][-1].endswith("requirements/deepchecks.txt")


def test_an_installation_that_fails_exits_with_1(engines, monkeypatch, capsys):
    def fail(command, **_):
        raise subprocess.CalledProcessError(2, command)

    monkeypatch.setattr(subprocess, "run", fail)
    assert run(["engines", "install"]) == 1
    assert "could not be installed" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("ASSAY_TEST_INSTALL") != "1", reason="takes 40 s; .ci/run sets ASSAY_TEST_INSTALL"
)
def test_the_real_engine_is_installed_where_it_was_missing_and_is_well(tmp_path):
    environment = {**os.environ, "ASSAY_ENGINES_DIR": str(tmp_path)}

    def assay(*arguments):
        command = [sys.executable, "-m", "app.cli", "engines", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)

    assert assay("doctor").returncode == 1
    installed = assay("install")
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "deepchecks" / "bin" / "python").exists()
    well = assay("doctor")
    assert well.returncode == 0
    assert well.stdout.splitlines()[-1].split() == ["deepchecks", "ok", "0.19.1"]
