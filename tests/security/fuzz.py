"""Feeds damaged artifacts to the reader of uploads and says what became of them.

``python -m tests.security.fuzz --artifacts 1000 [--seed 28] [--keep FOLDER]``; exit code 1 when one was not
answered in time, or the reader did not survive. ``--keep`` leaves those that took a process down for study.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.security import artifacts
from tests.security.forkserver import Forkserver
from tests.security.mutations import Mutant, mutants

ANSWERED_WITHIN_SECONDS = 20
MEMORY_GROWTH_MB = 200


@dataclass
class Report:
    """What became of the artifacts.

    ``parsed``: how many got past our checks to a library's parser. ``contained``: those that took their process
    down, which the service answers as refused.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    parsed: int = 0
    slowest: float = 0.0
    contained: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    growth_mb: float = 0.0

    @property
    def count(self) -> int:
        return self.outcomes.total()

    @property
    def sound(self) -> bool:
        return (
            self.slowest <= ANSWERED_WITHIN_SECONDS and len(self.pids) == 1 and self.growth_mb <= MEMORY_GROWTH_MB
        )

    def __str__(self) -> str:
        share = self.parsed / max(1, self.count)
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        same = "the same" if len(self.pids) == 1 else "NOT the same"
        return (
            f"{self.count} damaged artifacts: {outcomes}; {share:.0%} reached a parser; "
            f"slowest {self.slowest:.2f} s; the reader's memory grew by {self.growth_mb:.0f} MB, "
            f"its process id is {same}"
        )


def run(count: int, folder: Path, reader: Forkserver, seed: int = 28, keep: Path | None = None) -> Report:
    """Examine ``count`` mutants; every one in a fork of ``reader``."""
    report = Report()
    _control(folder, reader)
    before = _memory_mb(reader.pid)
    for mutant in mutants(count, seed):
        path = artifacts.write(folder / "artifact", mutant.content)
        answer = reader.examine(path, mutant.filename, mutant.what)
        _count(report, mutant, answer)
        report.pids.add(reader.pid)
        if keep and answer["outcome"] in {"killed", "stopped"}:
            artifacts.write(keep / f"{mutant.name.replace(' ', '-')}-{mutant.filename}", mutant.content)
    _control(folder, reader)
    report.growth_mb = _memory_mb(reader.pid) - before
    return report


def _count(report: Report, mutant: Mutant, answer: dict) -> None:
    report.outcomes[answer["outcome"]] += 1
    report.parsed += answer["parsed"]
    report.slowest = max(report.slowest, answer["seconds"])
    if answer["outcome"] in {"killed", "stopped"}:
        report.contained.append(f"{mutant.name}: {answer['outcome']} {answer['detail']}")


def _control(folder: Path, reader: Forkserver) -> None:
    """A whole model is accepted and predicts, before and after."""
    for name, content in (("a.skops", artifacts.skops_bytes("forest")), ("a.onnx", artifacts.onnx_bytes("forest"))):
        answer = reader.examine(artifacts.write(folder / name, content))
        assert answer["outcome"] == "predicted", answer


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--artifacts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        reader = Forkserver(Path(folder))
        report = run(given.artifacts, Path(folder), reader, given.seed, given.keep)
        reader.close()
    sys.stdout.write(f"{report}\n" + "".join(f"  {line}\n" for line in report.contained))
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
