"""What was judged, a line a judgement, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "results"


class Judged(NamedTuple):
    """``judge``: assay, deepchecks or evidently. ``verdict``: of the case's test; of a peer, pass or fail.

    ``case`` is a case's id, or a world's name and a test for a whole audit of a healthy world.
    """

    judge: str
    case: str
    strength: str
    seed: int
    verdict: str
    seconds: float


class Results:
    """One CSV file a judge."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def __iter__(self) -> Iterator[Judged]:
        """What was judged, the newest where twice: a whole audit takes the place of one of the cheap tests."""
        return iter({(one.judge, one.case, one.seed): one for one in self._lines()}.values())

    def _lines(self) -> Iterator[Judged]:
        for path in sorted(self._folder.glob("*.csv")):
            with path.open() as file:
                for judge, case, strength, seed, verdict, seconds in csv.reader(file):
                    yield Judged(judge, case, strength, int(seed), verdict, float(seconds))

    def known(self, costly_seeds: int) -> set[tuple[str, str, int]]:
        """What need not be judged again; an audit of the cheap tests is not enough up to ``costly_seeds``."""
        whole = (one for one in self if one.seed > costly_seeds or one.strength != "cheap audit")
        return {(one.judge, one.case, one.seed) for one in whole}

    def add(self, judged: Judged) -> None:
        with (self._folder / f"{judged.judge}.csv").open("a") as file:
            csv.writer(file, lineterminator="\n").writerow(judged)
