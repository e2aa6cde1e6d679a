"""The administrator's command that trains twice: off unless named, isolated, and judged by INFRA-1."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.audits.attempt import Attempt, DataFile, Subject, Training
from app.audits.providing.trainings import trained_twice
from app.config import Settings, TrainTwice
from app.engines import bubblewrap
from checks.contract import Missing
from tests.catalog.releases import predictions_only, register, upload

RECIPE = Path(__file__).parent / "recipe.py"
PYTHON = str(Path(sys.executable).resolve())
READ = [str(RECIPE), sys.base_prefix]
VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"
COMMIT = "3f2a91c"

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="no bubblewrap is installed")


def command(*does):
    return [PYTHON, "-I", str(RECIPE), *map(str, does)]


# --- through an audit -----------------------------------------------------------------------------


@pytest.fixture
def settings(settings, request):
    """With the command that the test's mark names, for the pipeline "training"."""
    does = getattr(request, "param", None)
    named = {"training": TrainTwice(command=command(does), read=READ, seconds=30)} if does else {}
    return settings.model_copy(update={"train_twice": named})


@pytest.fixture
def found(client, work, tmp_path):
    """``found("training")``: what INFRA-1 finds of a version whose manifest names that pipeline."""
    http = client("ci")

    def audit(pipeline, *outcomes, by="ci"):
        changes = {"version__pipeline": {"name": pipeline}, "version__tunables": {"seed": 28}}
        assert register(http, *predictions_only(tmp_path, version__commit=COMMIT, **changes)).is_success
        for number, outcome in enumerate(outcomes):
            path = tmp_path / f"outcome-{number}"
            path.write_text(json.dumps({"run": f"ci-{number}", "commit": COMMIT, "data": "d", **outcome}))
            body = {"kind": "training-outcome", **upload(http, path)}
            assert client(by).post(f"{VERSION}/evidence", json=body).status_code == 201
        asked = {"model": "tumour-malignancy", "version": "1.0.0", "checks": ["INFRA-1"]}
        audit_id = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
        (finding,) = http.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
        return finding

    return audit


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        ("steady", "pass", "differ by 0 at most in 120 predictions"),
        ("unsteady", "fail", "in 120 predictions by up"),
    ],
    indirect=["settings"],
)
def test_a_version_is_trained_twice_and_what_came_out_compared(found, verdict, words):
    finding = found("training")
    assert (finding["verdict"], finding["cap"]) == (verdict, None)
    assert finding["reason"].startswith("The trainings service-2 and service-1 differ")
    assert words in finding["reason"]
    assert finding["inputs"].keys() == {"train", "organisation policy"}


def test_nothing_is_trained_unless_the_administrator_names_the_pipeline(found):
    assert Settings().train_twice == {}
    assert found("training")["reason"] == "Missing: the outcomes of two trainings; there is none."


@pytest.mark.parametrize("settings", ["unsteady"], indirect=True)
def test_another_pipeline_is_not_trained(found):
    assert found("another")["verdict"] == "inconclusive"


@pytest.mark.parametrize("settings", ["unsteady"], indirect=True)
@pytest.mark.parametrize(
    ("seeds", "by", "runs"),
    [
        ((1, 1), "ci", ["ci-1", "ci-0"]),
        ((1, 2), "ci", ["service-2", "service-1"]),
        ((1, 1), "owner", ["service-2", "service-1"]),
        ((1,), "ci", ["service-2", "service-1"]),
    ],
)
def test_two_trainings_of_one_kind_by_ci_spare_the_service_its_own(found, seeds, by, runs):
    outcomes = [{"config": {"seed": seed}, "metrics": {"auc": 0.8}} for seed in seeds]
    assert found("training", *outcomes, by=by)["measured"]["runs"] == runs


@pytest.mark.parametrize("settings", ["break"], indirect=True)
def test_a_training_that_breaks_is_inconclusive_and_says_how(found):
    finding = found("training")
    assert finding["verdict"] == "inconclusive"
    assert "it ended with exit code 1: no such column: income" in finding["reason"]
    assert "run by hand" in finding["remedy"]


# --- the box --------------------------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """``trained("steady")``: the outcomes; ``seconds`` for each."""
    folder = tmp_path / "attempt"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made, files = predictions_only(tmp_path, version__commit=COMMIT, version__tunables={"seed": 28})
    datasets = {role: DataFile(path=str(path), format="parquet", digest=role) for role, path in files.items()}

    def run(*does, seconds=30.0, **changes):
        version = made["version"] | changes
        attempt = Attempt(
            checks=["INFRA-1"], subject=Subject(manifest=made | {"version": version}), datasets=datasets
        )
        training = Training(pipeline="training", command=command(*does), read=READ, seconds=seconds)
        return trained_twice(attempt, training)

    yield run
    assert not any(folder.iterdir())


def test_the_command_reaches_nothing_but_its_job(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://user:secret@host/db")
    secret = tmp_path / "assay.sqlite3"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (outcome, _) = trained("look", secret, listener.getsockname()[1])
    seen = dict(outcome.environment)
    assert set(seen.pop("variables")) <= {*bubblewrap.ENVIRONMENT, "LC_CTYPE", "PWD"}
    assert seen.pop("processes") < 4
    assert seen.pop("nested") != 0
    assert seen == {
        "secret": "False",
        "network": "ConnectionRefusedError",
        "root": "OSError",
        "memory": "OSError",
        "recipe": "OSError",
        "data": "OSError",
        "user": 65534,
    }


def test_what_takes_too_long_ends_with_all_that_it_started(trained, tmp_path):
    began = time.monotonic()
    with pytest.raises(Missing, match=r"stopped after 1 s"):
        trained("linger", "mark", seconds=1.0)
    assert time.monotonic() - began < 10
    time.sleep(3)
    assert not list(tmp_path.rglob("mark"))


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (("nothing",), "it left no file outcome.json"),
        (("link", "/etc/passwd"), "it left no file outcome.json"),
        (("pipe",), "is no file of at most 20 MB"),
        (("huge",), "is no file of at most 20 MB"),
        (("nonsense",), "outcome.json: This is not the outcome of a training: run: "),
    ],
)
def test_an_outcome_that_is_none_is_refused(trained, does, words):
    with pytest.raises(Missing, match=words):
        trained(*does)


def test_without_a_commit_nothing_is_trained(trained):
    with pytest.raises(Missing, match="the commit that the service would train from"):
        trained("steady", commit=None)


@pytest.mark.parametrize("program", ["/nowhere/bwrap", "refuses"])
def test_where_nothing_isolates_nothing_is_run(trained, monkeypatch, tmp_path, program):
    """As on a machine without bubblewrap, and on one whose kernel allows no user namespaces."""
    if program == "refuses":
        program = tmp_path / "bwrap"
        program.write_text("#!/bin/sh\necho bwrap: No permissions to create new namespace >&2\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "PROGRAM", str(program))
    with pytest.raises(Missing, match="isolation in which the service may train") as missing:
        trained("steady")
    assert "install bubblewrap" in missing.value.how


# --- the setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"command": ["python", "train.py"]}, "'python' is no absolute path"),
        ({"command": []}, "at least 1"),
        ({"command": "/bin/sh -c x"}, "valid list"),
        ({"command": ["/bin/true"], "read": ["recipes"]}, "no absolute path"),
        ({"command": ["/bin/true"], "read": ["{data}"]}, "holds the service's own data"),
        ({"command": ["/bin/true"], "read": ["{data}/blobs"]}, "holds the service's own data"),
        ({"command": ["/bin/true"], "read": ["/"]}, "holds the service's own data"),
        ({"command": ["/bin/true"], "shell": True}, "shell"),
        ({"command": ["/bin/true"], "seconds": 0}, "greater than 0"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_service(tmp_path, monkeypatch, given, words):
    text = json.dumps({"training": given}).replace("{data}", str(tmp_path))
    monkeypatch.setenv("ASSAY_TRAIN_TWICE", text)
    with pytest.raises(ValidationError, match=words):
        Settings(data_dir=tmp_path)
