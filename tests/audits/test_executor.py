"""Attempts in real processes: one poisonous check costs its own finding and nothing else."""

from __future__ import annotations

import os
import time

import pytest

from app.audits.attempt import Attempt, Subject
from app.audits.executor import AttemptFailed, execute
from tests.audits.waiting import processes_in
from tests.catalog.manifests import manifest

RUNNER = "tests.audits.toys"


@pytest.fixture
def run(settings, tmp_path):
    """``run("CALM", ...)``: the findings by check; ``run.seen`` has the progress as it was told."""
    seen = []

    def run_checks(*checks, seconds=60.0, memory_mb=4096, pulse=None, runner=RUNNER):
        attempt = Attempt(checks=list(checks), subject=Subject(manifest=manifest()))
        limits = settings.model_copy(update={"audit_seconds": seconds, "audit_memory_mb": memory_mb})
        found = execute(attempt, limits, tmp_path, pulse or seen.append, runner)
        return {one.check: one for one in found}

    run_checks.seen = seen
    return run_checks


def test_a_calm_check_leaves_finding_and_exhibits(run, tmp_path):
    found = run("CALM")["CALM"]
    assert (found.verdict, found.reason) == ("pass", "2 is below 3.")
    assert (found.measured, found.thresholds) == ({"n": 2}, {"limit": 3})
    assert [(e.name, (tmp_path / e.file).read_bytes()) for e in found.exhibits] == [
        ("numbers.csv", b"n\n2\n"),
        ("note", b"!"),
    ]


@pytest.mark.parametrize(
    ("poison", "told"),
    [
        ("RAISES", "The check ended with ValueError: column x is odd"),
        ("RAISES-IN-JUDGE", "The check ended with ZeroDivisionError"),
        ("SYS-EXIT", "The check ended with SystemExit: bye"),
        ("NAN", "measured columns.1.mean is nan, not a finite number"),
        ("NOT-JSON", "measured when is of the type PosixPath"),
        ("MEMORY", "more memory than an audit may use"),
        ("SEGFAULT", "took its process down: ended by SIGSEGV"),
        ("KILLED", "ended by SIGKILL, out of memory or by hand"),
        ("EXITS", "ended with exit code 7"),
        ("GARBLES", "answered what it was not asked"),
        ("FLOODS", "its answer was endless"),
        ("UNKNOWN", "There is no automated check of UNKNOWN any more"),
    ],
)
def test_a_poisonous_check_is_an_error_and_the_others_run(run, poison, told):
    found = run("CALM", poison, "SLOW")
    assert found[poison].verdict == "error"
    assert told in found[poison].reason
    assert found[poison].remedy
    assert [found["CALM"].verdict, found["SLOW"].verdict] == ["pass", "pass"]


def test_an_error_keeps_the_last_lines_of_its_traceback(run):
    assert any("column x is odd" in line for line in run("RAISES")["RAISES"].measured["traceback"])


def test_a_crash_keeps_the_last_lines_of_stderr(run):
    assert "about to fall" in run("SEGFAULT")["SEGFAULT"].measured["stderr"]


def test_every_check_may_be_poisonous(run):
    found = run("SEGFAULT", "KILLED", "EXITS", "RAISES")
    assert {one.verdict for one in found.values()} == {"error"}


def test_missing_evidence_is_inconclusive_with_the_way_out(run):
    found = run("LACKS")["LACKS"]
    assert (found.verdict, found.reason, found.remedy) == (
        "inconclusive",
        "Missing: 900 more rows.",
        "Register a larger test set.",
    )


def test_what_is_printed_is_no_finding(run):
    assert run("NOISY")["NOISY"].reason == "1 is below 3."


def test_optional_evidence_that_is_missing_is_none(run):
    assert run("ASKS")["ASKS"].measured == {"n": 0}


def test_required_evidence_that_is_missing_is_named(run):
    found = run("ASKS-FOR-DATA")["ASKS-FOR-DATA"]
    assert found.verdict == "inconclusive"
    assert "a data set registered as train" in found.reason
    assert "data.train" in found.remedy


def test_the_time_limit_blames_the_check_that_used_it_up(run):
    started = time.monotonic()
    found = run("CALM", "HANGS", "SLOW", seconds=5)
    assert time.monotonic() - started < 10
    assert found["CALM"].verdict == "pass"
    assert "still running at the audit's time limit of 5 s" in found["HANGS"].reason
    assert "Not run: the audit's time limit of 5 s was used up by HANGS" in found["SLOW"].reason
    assert {found["HANGS"].verdict, found["SLOW"].verdict} == {"error"}


def test_progress_is_told_as_it_happens(run):
    run("CALM", "HANGS", seconds=3)
    states = [(p["CALM"]["status"], p["HANGS"]["status"]) for p in run.seen]
    assert states[0] == ("waiting", "waiting")
    assert ("done", "running") in states
    assert next(p for p in run.seen if p["CALM"]["status"] == "done")["CALM"]["verdict"] == "pass"


def test_the_process_has_its_folder_and_nothing_of_our_environment(run, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://user:secret@host/db")
    found = run("WHERE")["WHERE"].measured
    assert found["folder"] == str(tmp_path)
    assert found["pid"] != os.getpid()
    assert not [name for name in found["environment"] if name.startswith("ASSAY")]


class Interruption(Exception):
    pass


def test_what_the_pulse_raises_ends_the_process(run, tmp_path):
    alive = []

    def pulse(progress):
        if progress["HANGS"]["status"] == "running":
            alive.extend(processes_in(tmp_path))
            raise Interruption

    with pytest.raises(Interruption):
        run("HANGS", pulse=pulse)
    assert alive
    assert processes_in(tmp_path) == []


def test_a_process_that_cannot_begin_fails_the_attempt_with_its_last_words(run):
    with pytest.raises(AttemptFailed, match=r"exit code 1: .*No module named tests.audits.nowhere"):
        run("CALM", runner="tests.audits.nowhere")
