"""All 45 rows of the ledger, by number: met by evidence, missing where it speaks against, unknown without any."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.catalog.pipelines import ExperimentPart
from app.ledger.history import DecisionFact, EndpointFact, ListenerFact, ScheduleFact, WatcherFact
from app.ledger.reading.words import Status
from app.ledger.rows import ALL, walk
from tests.ledger.reading import planted
from tests.ledger.reading.planted import (
    A_MODEL,
    FORM,
    MANIFEST,
    MODEL,
    NOW,
    by_hand,
    ci_run,
    commit,
    component,
    deployment,
    digest,
    finding,
    measurement,
    pipeline_version,
    run,
    traffic,
    turn,
    version,
)

SECTIONS = ("DATA-1", "DATA-7", "INFRA-2", "INFRA-3", "INFRA-4", "INFRA-5", "MON-1", "MON-2", "MON-3", "MON-7")
TESTS = (*SECTIONS, "MODEL-5")
KINDS = {
    13: "source_control",
    14: "test_and_build",
    15: "deployment_services",
    16: "model_registry",
    17: "feature_store",
    18: "metadata_store",
    19: "orchestrator",
}
FEATURES = ["income", "age"]
QUALITY = {"metric": "roc_auc", "floor": 0.7}
DESIGNED = replace(A_MODEL, business_metric={"name": "expected loss", "target": "below 2 %"})
EXPERIMENT = FORM.model_copy(update={"experiment": ExperimentPart(metric="roc_auc")})


def ago(days):
    return NOW - timedelta(days=days)


def schedule(**more):
    told = {"environment": "production", "interval_days": 1.0, "enabled": True, "outcome": "succeeded", "missed": 0}
    return ScheduleFact(**({"model": MODEL, "last_slot": ago(0.25), "since": ago(90)} | told | more))


def endpoint(**more):
    told = {"environment": "production", "name": "api", "state": "up", "probed_at": ago(0.001)}
    return EndpointFact(**({"model": MODEL, "availability": 0.999, "p95": 0.04} | told | more))


def registered(days=0.9):
    told = {"kind": "registered_version", "id": "1", "at": planted.ago(days), "registry": "mlflow", "model": MODEL}
    return told | {"name": MODEL, "number": "2", "run": "nightly-2", "version": "1.1.0"}


RUNS = [
    run("nightly-1", 2, tool="kfp", branch="main", features=FEATURES),
    run("nightly-2", 1, tool="mlflow", branch="main", features=FEATURES),
    run("tried-deeper", 3, tool="dvc", branch="deeper", features=FEATURES, commit=None),
    run("repaired", 1.5, branch="main", features=FEATURES, trigger="degradation"),
]
TOLD = [
    *RUNS,
    pipeline_version("development", 21),
    pipeline_version(),
    commit(),
    ci_run(),
    registered(),
    *(component(kind) for kind in KINDS.values()),
]

V = version(manifest=MANIFEST | {"quality": QUALITY})
EARLIER = [
    version(
        f"0.{n}.0",
        days=80 - 4 * n,
        id=10 + n,
        run=f"run-{n}",
        commit=f"{n:040}",
        change_reason="new_data" if n else "initial",
        data={"train": f"{n:02}" * 32, "test": "ee" * 32},
        manifest=MANIFEST | {"quality": QUALITY},
    )
    for n in range(6)
]
LONG_AGO = [
    told
    for n in range(6)
    for told in (
        run(
            f"run-{n}",
            81 - 4 * n,
            commit=f"{n:040}",
            features=FEATURES,
            started_at=planted.ago(82 - 4 * n),
            data_digest="sha256:" + f"{n:02}" * 32,
        ),
        commit(f"{n:040}", 83 - 4 * n),
    )
]
TOLD += LONG_AGO
REPLACED = [
    deployment(one, days=30 - 4 * n, ended_at=ago(30 - 4 * (n + 1)), outcome="replaced")
    for n, one in enumerate(EARLIER)
]
TURNS = [
    replace(turn(after=after, days=days, of=one.name), alert_id=days)
    for one, start in zip(EARLIER, (29, 25, 21), strict=False)
    for after, days in (("fail", start), ("pass", start - 0.5))
]
FACTS = {
    "models": (DESIGNED,),
    "versions": (*EARLIER, V),
    "deployments": (*REPLACED, deployment(V)),
    "decisions": tuple(
        DecisionFact(100 + n, MODEL, one.name, "production", "admit", "pass", one.created_at + timedelta(hours=1))
        for n, one in enumerate([*EARLIER, V])
    ),
    "turns": tuple(TURNS),
    "findings": tuple(finding(test) for test in TESTS),
    "traffic": (traffic(),),
    "schedules": (schedule(),),
    "listeners": (ListenerFact(MODEL, "on-call", ago(60)),),
    "watched": (MODEL,),
    "endpoints": (endpoint(),),
    "measurements": (measurement(),),
    "watchers": (WatcherFact("metrics", "prometheus", ago(0.01)), WatcherFact("audit_log", "filebeat", ago(1))),
}


def practised(told=TOLD, form=EXPERIMENT, shuffle=None, **changes):
    return planted.history(*told, form=form, shuffle=shuffle, **(FACTS | changes))


def judged(number, history):
    return next(row for row in walk(history) if row.number == number)


def test_the_rows_are_numbered_from_1_to_45():
    assert [row.number for row in ALL] == list(range(1, 46))


def but(*kinds, plus=()):
    """All that is told but for some kinds of events, and others instead."""
    return [*(one for one in TOLD if one["kind"] not in kinds), *plus]


def stale(kind, days=300):
    """The only event of its kind was long ago."""
    [*_, last] = [one for one in TOLD if one["kind"] == kind]
    return but(kind, plus=[last | {"at": planted.ago(days)}])


def failing(*tests):
    return {"findings": tuple(finding(test, "fail" if test in tests else "pass") for test in TESTS)}


def no(*fields):
    """What is told, with runs that do not tell these."""
    return [{key: value for key, value in one.items() if key not in fields} for one in TOLD]


def of_other_tools(tool):
    """What is told but for the records of a tool."""
    return [one for one in TOLD if one.get("tool") != tool and one.get("registry") != tool]


def resolved(name):
    told = {"kind": "incident", "id": name, "incident": name, "at": planted.ago(1), "model": MODEL}
    return told | {"environment": "production", "state": "resolved"}


OTHER_DATA = replace(V, data=EARLIER[-1].data)
CONTRARY = {
    1: {"models": (A_MODEL,)},
    3: {"findings": tuple(finding(test, days=91 if test.startswith("DATA") else 0.2) for test in TESTS)},
    2: {"told": [*but("pipeline_run"), run("nightly-1", 2), run("nightly-2", 1, metrics={"roc_auc": 0.6})]},
    5: {"told": but("pipeline_run", plus=[by_hand("one", 2), by_hand("nightly-2", 1)])},
    6: {"told": but("ci_run", plus=[ci_run(tests=planted.TESTS[:1])])},
    7: {"told": stale("commit")},
    8: {"told": stale("ci_run")},
    9: {"told": stale("pipeline_version")},
    10: {"told": but("pipeline_run", plus=[by_hand("nightly-2", 1)])},
    11: {"deployments": (*REPLACED, replace(deployment(V), ended_at=ago(0.1), outcome="stopped"))},
    12: {"findings": tuple(finding(test, days=60) for test in TESTS)},
    18: {"told": but("pipeline_run", plus=[run("nightly-2", 1, parameters=None)])},
    20: {"deployments": (deployment(V, environment="staging"),), "traffic": ()},
    21: {"told": but("ci_run", plus=[ci_run(tests=planted.TESTS[:1])])},
    22: {"told": but("pipeline_version", plus=[pipeline_version(digest=digest("another pipeline"))])},
    23: {"told": but("pipeline_run", plus=[by_hand("nightly-2", 1)])},
    24: {"traffic": (traffic(days=40),)},
    25: {"versions": (*EARLIER, replace(V, commit=None, run=None)), "told": but("registered_version")},
    26: {"versions": (*EARLIER, OTHER_DATA)},
    27: {"form": FORM},
    28: {"told": but("pipeline_run", plus=[run("nightly-2", 1)])},
    29: {"told": no("stages")},
    30: {"told": no("metrics")},
    31: {"told": no("stages")},
    32: failing("DATA-1"),
    33: failing("INFRA-4"),
    34: failing("INFRA-5"),
    35: {"schedules": (schedule(missed=3),)},
    36: failing("MON-1"),
    37: failing("MON-2"),
    38: failing("MON-7"),
    39: {"watchers": (WatcherFact("audit_log", "filebeat", ago(8)),)},
    40: {"measurements": (measurement(days=31),)},
    41: {"endpoints": (endpoint(state="unknown"),)},
    42: {"traffic": (traffic(), traffic(of="9.9.9"))},
    43: {"told": but("commit", "pipeline_run")},
    44: {"turns": (), "told": [*TOLD, resolved("I-1")]},
    45: {"turns": (), "watched": ()},
} | {
    number: {"told": [*TOLD, component(kind, 0.1, reachable=False)]}
    for number, kind in KINDS.items()
    if number != 18
}


SILENT = {4}
"""Rows that nothing can speak against: a level is shown, or nobody knows."""


def test_runs_that_do_not_say_what_started_them_show_no_level():
    found = judged(4, practised(but("pipeline_run", plus=[run("nightly-2", 1, trigger=None, orchestrated=None)])))
    assert (found.status, bool(found.missing), bool(found.remedy)) == (Status.UNKNOWN, True, True)


@pytest.mark.parametrize("number", [32, 33, 34, 36, 37, 38])
def test_a_pass_of_long_ago_shows_nothing(number):
    found = judged(number, practised(findings=tuple(finding(test, days=181) for test in TESTS)))
    assert found.status is Status.UNKNOWN
    assert "its evidence counts for" in found.missing


@pytest.mark.parametrize("there", ["staging", "prod-eu", None])
def test_a_test_of_where_it_serves_counts_before_one_of_elsewhere(there):
    elsewhere = finding("MON-7", "fail", days=0.1, environment=there)
    assert judged(38, practised(findings=(*FACTS["findings"], elsewhere))).status is Status.MET
    two = (*FACTS["deployments"], deployment(V, environment="prod-eu", id=77))
    alone = judged(38, practised(findings=(elsewhere,), deployments=two))
    assert alone.status is Status.MISSING


def test_an_audit_that_looked_nowhere_hides_no_other():
    """An audit without an environment cannot tell of what serves."""
    found = [finding("MON-7", "pass", days=2, environment="staging"), finding("MON-7", "error", environment=None)]
    assert judged(38, practised(findings=tuple(found))).status is Status.MET


@pytest.mark.parametrize(("number", "tool"), [(29, "dvc"), (30, "mlflow"), (31, "kfp")])
def test_a_tool_that_told_long_ago_is_missing_and_one_that_told_nothing_unknown(number, tool):
    long_ago = run("old", 91, tool=tool, features=FEATURES)
    others = of_other_tools(tool)
    assert judged(number, practised([*others, long_ago])).status is Status.MISSING
    assert judged(number, practised(others)).status is Status.UNKNOWN
    failed = run("failed", 1, tool=tool, state="failed")
    assert judged(number, practised([*others, failed])).status is Status.UNKNOWN


def test_regular_checks_of_which_nobody_is_told_are_not_enough():
    found = judged(35, practised(listeners=()))
    assert (found.status, found.missing) == (Status.UNKNOWN, "nobody is told when one does not run")


@pytest.mark.parametrize("number", range(1, 46))
def test_a_row_is_met_where_it_is_practised(number):
    found = judged(number, practised())
    assert (found.status, found.missing, found.remedy) == (Status.MET, "", "")
    assert found.proofs


@pytest.mark.parametrize("number", range(1, 46))
def test_a_row_is_not_met_where_nothing_was_told(number):
    found = judged(number, planted.history(form=None))
    assert found.status is (Status.MISSING if number == 1 else Status.UNKNOWN)
    assert found.missing
    assert found.remedy


@pytest.mark.parametrize("number", sorted(CONTRARY))
def test_a_row_is_missing_where_the_evidence_speaks_against_it(number):
    found = judged(number, practised(**CONTRARY[number]))
    assert found.status is Status.MISSING
    assert found.missing
    assert found.remedy


def test_every_row_has_evidence_against_it_or_is_silent():
    assert CONTRARY.keys() | SILENT == set(range(1, 46))
    assert not CONTRARY.keys() & SILENT


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_tools_told_does_not_matter(seed):
    assert walk(practised(shuffle=seed)) == walk(practised())
