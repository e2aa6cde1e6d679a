"""deepchecks in its own environment: what it is given, what it finds, and how it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app import sandbox
from app.config import ROOT, Settings
from app.engines import deepchecks
from app.engines.deepchecks import files, script
from checks.contract import Missing
from checks.evidence import Predictions, Task
from checks.methods.cohorts import labelled
from checks.methods.slices import slice_mask
from tests.checks.planted import declaration, features_of, holdout

ENGINES = Settings().engines_folder
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _environment():
    """CI must have it: ``make setup-dev`` installs it."""
    if not (ENGINES / "deepchecks").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs the environment of deepchecks: make setup-dev")
        pytest.skip("deepchecks' environment is not installed: assay engines install")


def people(rows, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": rng.normal(30, 5, rows),
            "age": rng.uniform(18, 80, rows),
            "region": rng.choice(["north", "south", "east", None], rows),
            "y": rng.integers(0, 2, rows),
        }
    )


def answered(frame, declared, weak=0.5):
    """Wrong in 5 % of the rows, but in a share of ``weak`` for people over 60 in the north or east."""
    rng = np.random.default_rng(7)
    poor = (frame["age"] > 60) & frame["region"].isin(["north", "east"])
    wrong = rng.random(len(frame)) < np.where(poor, weak, 0.05)
    label = np.where(wrong, 1 - frame["y"], frame["y"])
    positive = np.where(label == 1, 0.9, 0.1)
    made = Predictions(label, np.column_stack([1 - positive, positive]), (0, 1))
    return labelled(declared, holdout(frame), made)


DECLARED = declaration(features=features_of(people(300), "y"))


@pytest.fixture(scope="module")
def answer():
    """One run of everything."""
    train, test, search = (answered(people(rows, seed), DECLARED) for rows, seed in ((900, 1), (600, 2), (3000, 3)))
    return deepchecks.run(ENGINES, deepchecks.Request(DECLARED, train, test, search))


def test_the_suite_is_reported_with_its_tests(answer):
    assert answer.problems == {}
    assert answer.library == "deepchecks 0.19.1"
    assert len(answer.suite.tests) > 25
    assert answer.suite.tests["Datasets Size Comparison: Test-Train size ratio is greater than 0.01"]
    assert False in answer.suite.tests.values()
    assert not [name for name in answer.suite.tests if "Inference" in name]


def test_the_suites_report_says_what_it_was_drawn_from(answer):
    drawn_from = "900 of 900 labelled rows of the training data, and 600 of 600 labelled rows of the test data"
    assert answer.suite.drawn_from == drawn_from
    assert answer.suite.sample_rows == 600
    content = answer.suite.exhibit.content
    assert f"over a sample: {drawn_from}.".encode() in content
    assert content.count(b"plotly.js v") == 1
    assert len(content) < 12_000_000


def test_the_planted_weakness_is_found(answer):
    assert answer.searched_rows == 3000
    weakest = answer.segments[0]
    assert set(weakest.where) == {"age", "region"}
    assert set(weakest.where["region"]) == {"north", "east"}
    assert weakest.where["age"]["min"] == pytest.approx(60, abs=2)
    assert weakest.name.startswith("region ")
    fresh = people(2000, 11)
    found = slice_mask(weakest.where, fresh)
    planted = ((fresh["age"] > 60) & fresh["region"].isin(["north", "east"])).to_numpy()
    assert (found == planted).mean() > 0.97


def test_a_regression_and_several_classes_are_answered():
    frame = people(400, 5)
    rng = np.random.default_rng(1)
    for task, y in ((Task.REGRESSION, rng.normal(size=400)), (Task.MULTICLASS, rng.choice([*"abc"], 400))):
        declared = declaration(features=DECLARED.features, task=task, positive=None)
        rows = labelled(declared, holdout(frame.assign(y=y)), Predictions(np.roll(y, 1)))
        answer = deepchecks.run(ENGINES, deepchecks.Request(declared, rows, rows, None))
        assert answer.suite.tests, task
        assert answer.segments is None


def test_an_environment_that_is_not_there_is_missing_with_the_way_out(tmp_path):
    with pytest.raises(Missing, match="deepchecks' environment") as missing:
        deepchecks.run(tmp_path, deepchecks.Request(DECLARED))
    assert missing.value.how == "assay engines install"
    health = deepchecks.health_check(tmp_path)
    assert not health.ok
    assert health.problem.startswith("cannot be started")
    assert health.remedy == "assay engines install"


def test_health_is_an_import_of_the_library():
    health = deepchecks.health_check(ENGINES)
    assert health.ok
    assert health.version == "0.19.1"


def stand_in(folder: Path, body: str) -> Path:
    """An environment whose interpreter is a shell script."""
    python = folder / "deepchecks" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return folder


def test_a_child_that_hangs_is_killed_with_what_it_started(tmp_path):
    marker = tmp_path / "alive"
    engines = stand_in(tmp_path, f"(sleep 3; touch {marker}) & sleep 60")
    search = answered(people(50, 1), DECLARED)
    began = time.monotonic()
    with pytest.raises(sandbox.Stopped, match=r"stopped after 0\.5 s"):
        deepchecks.run(engines, deepchecks.Request(DECLARED, search=search), seconds=0.5)
    assert time.monotonic() - began < 3
    time.sleep(3)
    assert not marker.exists()


def test_a_child_that_fails_keeps_the_end_of_its_stderr(tmp_path):
    engines = stand_in(tmp_path, "echo the reason >&2; exit 7")
    with pytest.raises(sandbox.Stopped, match="exit code 7") as stopped:
        deepchecks.run(engines, deepchecks.Request(DECLARED, search=answered(people(50, 1), DECLARED)))
    assert stopped.value.tail == "the reason"


def test_the_child_learns_nothing_of_the_services_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_TOKEN", "secret")
    engines = stand_in(tmp_path, "env >&2; exit 1")
    with pytest.raises(sandbox.Stopped) as stopped:
        deepchecks.run(engines, deepchecks.Request(DECLARED, search=answered(people(50, 1), DECLARED)))
    assert "ASSAY_TOKEN" not in stopped.value.tail
    assert "DO_NOT_TRACK=1" in stopped.value.tail
    assert "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY=true" in stopped.value.tail


def test_the_script_reaches_no_address():
    code = f"""
import runpy, socket, sys
script = runpy.run_path({script.__file__!r})
sys.addaudithook(script["_refuse_the_network"])
for ask in (lambda: socket.create_connection(("127.0.0.1", 9)), lambda: socket.getaddrinfo("example.com", 80)):
    try: ask()
    except OSError as error: print(error)
"""
    python = ENGINES / "deepchecks" / "bin" / "python"
    told = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["the engine of deepchecks reaches no address"] * 2


def test_the_script_imports_nothing_of_assay():
    text = Path(script.__file__).read_text()
    assert "import app" not in text
    assert "from app" not in text
    assert "import checks" not in text
    assert "from checks" not in text


def test_segments_become_slices_with_the_same_rows():
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, np.nan], "region": ["a", "b", None, "a"]})
    features = features_of(frame)
    segments = [{"age": [1.0, 2.0]}, {"region": ["a", None], "age": [None, 3.0]}, {"age": [2.0, None]}]
    made = files.slices(segments, features)
    assert [one.name for one in made] == ["age over 1 up to 2", "region a or missing, age up to 3", "age over 2"]
    masks = [slice_mask(one.where, frame).tolist() for one in made]
    assert masks == [[False, True, False, False], [True, False, True, False], [False, False, True, False]]


def test_an_answer_of_another_format_is_refused(tmp_path):
    (tmp_path / "answer.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="in the format 2, not 1"):
        files.read_answer(tmp_path)


def test_the_lock_is_complete_and_names_no_address():
    lock = (ROOT / "requirements" / "deepchecks.txt").read_text()
    assert "://" not in lock
    for pin in ("deepchecks==0.19.1", "numpy==1.26.4", "pandas==2.3.3", "scikit-learn==1.6.1"):
        assert f"\n{pin} " in f"\n{lock}"
    assert "--hash=sha256:" in lock


def test_the_script_ends_with_the_process_that_started_it(tmp_path):
    """Nobody else can end it: a worker that is killed leaves its attempts' children behind."""
    os.mkfifo(tmp_path / "request.json")  # the script waits there for ever
    command = [str(ENGINES / "deepchecks" / "bin" / "python"), "-I", script.__file__, str(tmp_path)]
    starter = f"""
import subprocess, time
print(subprocess.Popen({command!r}, start_new_session=True).pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.stdout.close()
    try:
        time.sleep(1)
        assert _runs(child)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 20
        while _runs(child) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not _runs(child)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
