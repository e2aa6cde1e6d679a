"""One judgement: what Assay or a peer says of a case, or Assay of a whole healthy world."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import checks
from benchmarks.faults import peers
from benchmarks.faults.attempts import findings
from benchmarks.faults.cases import all_cases
from benchmarks.faults.results import Judged
from benchmarks.faults.surroundings import surrounded
from benchmarks.faults.worlds import WORLDS
from checks.rubric import BY_ID

CHEAP = ("DATA-1", "DATA-4", "DATA-5", "MODEL-2", "INFRA-7", "MON-1", "MON-3", "MON-4", "MON-6")
SEEDS = {"short": {"cheap": 10, "costly": 3, "peers": 1}, "full": {"cheap": 200, "costly": 20, "peers": 2}}
PEERS = tuple(peers.KINDS)
PEERS_LOOK_AT = {"short": ("strong",), "full": ("strong", "healthy")}


def computed_tests() -> list[str]:
    return [test for test in checks.discover() if BY_ID[test].by != "C"]


def jobs(form: str, judges: tuple[str, ...], only: tuple[str, ...]) -> Iterator[tuple[str, str, int]]:
    """(judge, case id or world, seed): seeds outermost, so that a stopped run is even."""
    seeds = SEEDS[form]
    for seed in range(1, max(seeds.values()) + 1):
        for case in all_cases():
            if only and case.test not in only:
                continue
            if "assay" in judges and seed <= seeds["cheap" if case.test in CHEAP else "costly"]:
                yield "assay", case.id, seed
            if seed <= seeds["peers"] and case.strength in PEERS_LOOK_AT[form] and case.test in peers.LOOKED_AT:
                yield from ((judge, case.id, seed) for judge in PEERS if judge in judges)
        if only:
            continue
        if "assay" in judges and seed <= seeds["cheap"]:
            yield from (("assay", world, seed) for world in WORLDS)
        if seed <= seeds["peers"]:
            yield from ((judge, world, seed) for judge in PEERS if judge in judges for world in WORLDS)


def judge(job: tuple[str, str, int], costly_seeds: int) -> list[Judged]:
    """In a process of the pool."""
    warnings.simplefilter("ignore")
    who, what, seed = job
    if what in WORLDS and who == "assay":
        return _healthy_audit(what, seed, costly=seed <= costly_seeds)
    if what in WORLDS:
        return [_healthy_by_peer(who, what, seed)]
    case = next(case for case in all_cases() if case.id == what)
    world, began = case.plant(seed), time.monotonic()
    if who == "assay":
        verdict = str(findings(world, [case.test])[case.test].verdict)
    else:
        verdict = peers.says(who, case.test, world, seed)
    return [Judged(who, case.id, case.strength, seed, verdict, round(time.monotonic() - began, 2))]


def _healthy_by_peer(who: str, name: str, seed: int) -> Judged:
    """Whether any condition of the peer fails on an untouched world."""
    began = time.monotonic()
    fails = peers.failing(who, WORLDS[name](seed), in_traffic=who == "evidently")
    return Judged(who, name, "audit", seed, "fail" if fails else "pass", round(time.monotonic() - began, 2))


def _healthy_audit(name: str, seed: int, *, costly: bool) -> list[Judged]:
    """All computed tests of an untouched world, the cheap ones alone beyond ``costly``."""
    tests = [test for test in computed_tests() if costly or test in CHEAP]
    found = findings(surrounded(WORLDS[name](seed)), tests)
    total = round(sum(one.seconds for one in found.values()), 2)
    verdicts = [
        Judged("assay", f"{name}/{test}", "healthy", seed, str(one.verdict), one.seconds)
        for test, one in found.items()
    ]
    fails = any(one.verdict == "fail" for one in found.values())
    kind = "audit" if costly else "cheap audit"
    return [*verdicts, Judged("assay", name, kind, seed, "fail" if fails else "pass", total)]
