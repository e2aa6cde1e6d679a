"""What deepchecks' full suite and Evidently's presets say of the same worlds, under their default conditions.

Each has some condition that fails on most data, healthy or not. So a case counts as found where a condition fails
that holds on the untouched world of the same name and seed; how often any fails on that is told apart.
"""

from __future__ import annotations

from functools import lru_cache

from app.audits.providers import Evidence
from benchmarks.faults.attempts import attempt_of, in_a_folder
from benchmarks.faults.worlds import WORLDS, World
from checks.contract import Missing
from checks.serving import DriftReport, FullSuite, QualityReport, Report

KINDS: dict[str, tuple[type[Report], ...]] = {"deepchecks": (FullSuite,), "evidently": (DriftReport, QualityReport)}
LOOKED_AT = (
    *("DATA-1", "DATA-2", "DATA-4", "DATA-5", "MODEL-5", "MODEL-6", "MODEL-7"),
    *("INFRA-4", "MON-2", "MON-3", "MON-5", "MON-7"),
)
"""Tests whose faults show in the tables that the peers are given."""


def says(judge: str, test: str, world: World, seed: int) -> str:
    """``fail`` where a condition fails that holds in the untouched world, else ``pass``.

    ``error`` where there is no report, for instance because the model itself refuses the data.
    """
    in_traffic = test.startswith("MON") or judge == "evidently"
    try:
        found = failing(judge, world, in_traffic)
    except Exception:  # noqa: BLE001 - whatever it trips over, it does not tell of the fault
        return "error"
    return "fail" if found - _untouched(judge, world.name, seed, in_traffic) else "pass"


@lru_cache(maxsize=8)
def _untouched(judge: str, name: str, seed: int, in_traffic: bool) -> frozenset[str]:
    return failing(judge, WORLDS[name](seed), in_traffic)


def failing(judge: str, world: World, in_traffic: bool) -> frozenset[str]:
    """The peer's own tests that fail: deepchecks compares the training data with the test data or, ``in_traffic``,
    with the served rows; Evidently compares the traffic with the data before it.
    """
    seen = _served_as_test(world) if in_traffic and judge == "deepchecks" else world
    with in_a_folder() as folder:
        evidence = Evidence(attempt_of(seen, ["MON-2"], folder))
        found = [_tests(evidence, kind) for kind in KINDS[judge]]
    return frozenset(name for tests in found for name, passed in tests.items() if not passed)


def _served_as_test(world: World) -> World:
    served = world.served.dropna(subset=[world.label])
    return world.but(test=served.astype({world.label: world.train[world.label].dtype}))


def _tests(evidence: Evidence, kind: type[Report]) -> dict[str, bool]:
    try:
        return dict(evidence.get(kind).value.tests)
    except Missing as missing:
        return {f"no report ({missing.what})": True}
