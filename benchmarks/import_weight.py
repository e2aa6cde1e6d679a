"""How heavy ``import app.main`` is, against the frameworks it stands on, each in fresh processes, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys

PAIRS = 9
LIMIT = 1.7
OURS = "import app.main"
PEER = "import fastapi, sqlmodel, jinja2"
TIMED = "import time; begun = time.perf_counter(); {}; print(time.perf_counter() - begun)"


def seconds(statement: str) -> float:
    """One import in a process of its own (s)."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    seconds(OURS)
    pairs = [(seconds(OURS), seconds(PEER)) for _ in range(PAIRS)]
    ratio = statistics.median(ours / peer for ours, peer in pairs)
    ours, peer = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{OURS}: {ours:.2f} s; {PEER}: {peer:.2f} s; ratio {ratio:.2f} (limit {LIMIT}), median of {PAIRS} pairs")


if __name__ == "__main__":
    main()
