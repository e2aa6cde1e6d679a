"""Runs an attempt in processes of its own, one at a time, and outlives whatever happens in them.

A check that takes its process down gets an ``error``; a new process runs the checks that are left. So one
poisonous check costs its own finding and a restart, never the audit.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from pydantic import ValidationError

from app import sandbox
from app.audits.attempt import Attempt, Event, Found
from app.audits.providing.declared import masks
from app.config import Settings
from checks.contract import Verdict

RUNNER = "app.audits.runner"
TICK_SECONDS = 0.2
LONGEST_LINE = 32 * 1024 * 1024
SECONDS_TO_EXIT = 10.0
TAIL_LINES = 12
REMEDY_FOR_A_CRASH = (
    "Audit with this check alone and more memory (ASSAY_AUDIT_MEMORY_MB); if that ends likewise, report it."
)

Progress = dict[str, dict[str, Any]]


class AttemptFailed(Exception):
    """The attempt's process ended without having run any check."""


class _TimeUp(Exception):
    pass


class _Garbled(Exception):
    pass


def execute(
    attempt: Attempt,
    settings: Settings,
    folder: Path,
    pulse: Callable[[Progress], None],
    runner: str = RUNNER,
) -> list[Found]:
    """Run all checks of the attempt.

    Args:
        folder: working directory of the processes; exhibits are left there.
        pulse: called several times a second with the progress; what it raises ends the attempt at once.
        runner: the module that is run (tests put their own checks into one).

    Raises:
        AttemptFailed: a process ended before it began with a check.
    """
    run = _Run(attempt, settings, folder, pulse, runner)
    while run.waiting:
        run.one_process()
    return [run.found[test_id] for test_id in attempt.checks]


class _Run:
    def __init__(
        self, attempt: Attempt, settings: Settings, folder: Path, pulse: Callable[[Progress], None], runner: str
    ) -> None:
        self.attempt, self.settings, self.folder, self.pulse, self.runner = attempt, settings, folder, pulse, runner
        self.found: dict[str, Found] = {}
        self.running: str | None = None
        self.deadline = time.monotonic() + settings.audit_seconds

    @property
    def waiting(self) -> list[str]:
        return [test_id for test_id in self.attempt.checks if test_id not in self.found]

    @property
    def progress(self) -> Progress:
        return {test_id: self._state(test_id) for test_id in self.attempt.checks}

    def _state(self, test_id: str) -> dict[str, Any]:
        if found := self.found.get(test_id):
            return {"status": "done", "verdict": found.verdict.value, "seconds": found.seconds}
        return {"status": "running" if test_id == self.running else "waiting"}

    def one_process(self) -> None:
        """Run what waits in one process, for as long as that lives."""
        before = len(self.found)
        process = self._spawn()
        try:
            for line in self._lines(process):
                self._take(line)
            how = _how_it_ended(process)
        except _TimeUp:
            self._time_up()
            return
        except _Garbled as error:
            how = str(error)
        finally:
            sandbox.kill(process)
        self._account_for(how, process.tail(), progressed=len(self.found) > before)

    def _spawn(self) -> sandbox.Child:
        return sandbox.spawn(
            self.runner,
            self.attempt.model_copy(update={"checks": self.waiting}).model_dump(mode="json"),
            memory_mb=self.settings.audit_memory_mb,
            folder=self.folder,
            cpu_seconds=int(self.settings.audit_seconds * (os.cpu_count() or 1)) + 1,
        )

    def _lines(self, process: sandbox.Child) -> Iterator[bytes]:
        """The lines that the process writes, until it closes its end."""
        assert process.stdout is not None  # noqa: S101 - spawn() opens it
        buffer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                self.pulse(self.progress)
                if time.monotonic() > self.deadline:
                    raise _TimeUp
                if not selector.select(TICK_SECONDS):
                    continue
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    return
                buffer += chunk
                if b"\n" in chunk:
                    *lines, buffer = buffer.split(b"\n")
                    yield from map(bytes, lines)
                if len(buffer) > LONGEST_LINE:
                    raise _Garbled("its answer was endless")

    def _take(self, line: bytes) -> None:
        try:
            event = Event.model_validate_json(line)
        except ValidationError as error:
            raise _Garbled("its answer could not be read") from error
        if event.started in self.waiting:
            self.running = event.started
        elif event.found and event.found.check == self.running:
            self.found[self.running] = event.found
            self.running = None
        else:
            raise _Garbled("it answered what it was not asked")

    def _account_for(self, how: str, tail: str, *, progressed: bool) -> None:
        """The process is gone: blame the check that was running, if any."""
        tail = "" if masks(self.attempt) else tail  # libraries print cells too
        if self.running is not None:
            reason = f"The check took its process down: {how}."
            self._fail(self.running, reason, REMEDY_FOR_A_CRASH, tail)
        elif self.waiting and not progressed:
            raise AttemptFailed(f"the attempt's process ran no check: {how}: {tail}".removesuffix(": "))

    def _time_up(self) -> None:
        limit = f"the audit's time limit of {self.settings.audit_seconds:g} s"
        remedy = "Raise ASSAY_AUDIT_SECONDS, register a smaller sample, or audit with fewer checks."
        used_by = self.running or "starting"
        if self.running is not None:
            self._fail(self.running, f"The check was still running at {limit}.", remedy)
        for test_id in self.waiting:
            self._fail(test_id, f"Not run: {limit} was used up by {used_by}.", remedy)

    def _fail(self, test_id: str, reason: str, remedy: str, tail: str = "") -> None:
        measured = {"stderr": tail.splitlines()[-TAIL_LINES:]} if tail else {}
        self.found[test_id] = Found(
            check=test_id, verdict=Verdict.ERROR, reason=reason, remedy=remedy, measured=measured
        )
        self.running = None


def _how_it_ended(process: sandbox.Child) -> str:
    try:
        code = process.wait(SECONDS_TO_EXIT)
    except TimeoutExpired:
        return "closed its channel and did not end"
    by_the_kernel = ", out of memory or by hand" if code == -signal.SIGKILL else ""
    return sandbox.ending(code) + by_the_kernel
