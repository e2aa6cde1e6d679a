"""Waiting for what happens in other processes, and looking for them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def wait_until(condition, seconds=60):
    """What ``condition()`` returned when it was true at last."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def running(audit, check) -> bool:
    return audit.progress.get(check, {}).get("status") == "running"


def processes_in(folder) -> list[str]:
    """The ids of the processes whose working directory is ``folder`` or lies in it."""
    alive = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                alive.append(process.name)
    return alive
