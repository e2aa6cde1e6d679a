"""The lights of continuous integration, delivery, training and monitoring, on and off and unknown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.ledger.history import DecisionFact
from app.ledger.reading import lights
from tests.ledger.reading.planted import (
    A_MODEL,
    MODEL,
    NOW,
    OTHER_COMMIT,
    PIPELINE,
    TESTS,
    by_hand,
    ci_run,
    commit,
    deployment,
    digest,
    finding,
    history,
    measurement,
    pipeline_version,
    run,
    traffic,
    version,
)

V = version()
TOLD = {"commit": commit(), "ci_run": ci_run(), "delivery": pipeline_version(), "run": run()}
FACTS = {
    "versions": (V,),
    "deployments": (deployment(V),),
    "findings": (finding("MON-2"), finding("MON-7")),
    "traffic": (traffic(),),
    "measurements": (measurement(),),
}


def read(seed=None, more=(), **changes):
    told = [one for one in (TOLD | {k: v for k, v in changes.items() if k in TOLD}).values() if one is not None]
    facts = FACTS | {key: value for key, value in changes.items() if key not in TOLD}
    known = history(*told, *more, shuffle=seed, **facts)
    return {one.name: one.judged for one in lights.of_pipeline(known, PIPELINE)}


def test_all_four_are_on():
    found = read()
    assert {name: one.status.value for name, one in found.items()} == dict.fromkeys(("CI", "CD", "CT", "CM"), "met")
    assert all(one.proofs and one.proofs[0].at for one in found.values())


def test_nothing_told_is_unknown():
    found = {one.name: one.judged for one in lights.of_pipeline(history(), PIPELINE)}
    assert {one.status.value for one in found.values()} == {"unknown"}
    assert all(one.missing and one.remedy for one in found.values())


OFF = [
    ("CI", "missing", {"ci_run": ci_run(tests=TESTS[:1])}, "CI tested no data and no model"),
    ("CI", "missing", {"ci_run": ci_run(tests=[TESTS[0], TESTS[2]])}, "CI tested no data"),
    ("CI", "missing", {"ci_run": ci_run(tests=[*TESTS[:2], TESTS[2] | {"failed": 2}])}, "tests of model failed"),
    ("CI", "missing", {"ci_run": ci_run(state="failed")}, "CI run ci-1 failed"),
    ("CI", "unknown", {"ci_run": ci_run(packages=None)}, "no package that it built"),
    ("CI", "unknown", {"ci_run": ci_run(tests=None)}, "does not say what it tested"),
    ("CI", "unknown", {"ci_run": ci_run(state="running")}, "no CI run is known that ended"),
    ("CI", "unknown", {"ci_run": ci_run(days=90.1)}, "90 days ago"),
    ("CD", "unknown", {"delivery": None}, "no pipeline version is known"),
    ("CD", "unknown", {"deployments": ()}, "nothing serves"),
    ("CD", "missing", {"run": run(pipeline_digest=digest("other"))}, "delivered to production was"),
    ("CD", "unknown", {"run": None}, "nothing was told of run nightly-2"),
    ("CT", "missing", {"run": by_hand("nightly-2")}, "started none of 1 runs"),
    ("CT", "missing", {"run": run(trigger="on_demand")}, "started none of 1 runs"),
    ("CT", "unknown", {"run": run(trigger=None)}, "no run is known"),
    ("CT", "unknown", {"run": run(state="failed")}, "none of the runs that nobody started succeeded"),
    ("CT", "missing", {"run": run(days=14.1)}, "the last retraining was 14 days ago"),
    (
        "CT",
        "unknown",
        {"versions": (), "deployments": (), "findings": ()},
        "no version is known that run nightly-2",
    ),
    ("CT", "missing", {"deployments": ()}, "1.1.0 that a run made went neither"),
    ("CM", "unknown", {"traffic": ()}, "no prediction in production is known"),
    ("CM", "missing", {"traffic": (traffic(7.1),)}, "the last prediction in production was 7 days ago"),
    ("CM", "unknown", {"findings": (finding("MON-7"),)}, "production data are not watched"),
    ("CM", "unknown", {"findings": (finding("MON-3"),)}, "model metrics are not watched"),
    ("CM", "unknown", {"findings": (finding("MON-2"), finding(verdict="inconclusive"))}, "came to no conclusion"),
    ("CM", "missing", {"findings": (finding("MON-2"), replace(finding(), automatic=False))}, "a person has to ask"),
    ("CM", "missing", {"findings": (finding("MON-2"), finding(days=30.1))}, "MON-7 ran 30 days ago"),
    ("CM", "unknown", {"deployments": ()}, "nothing serves"),
    ("CM", "unknown", {"models": (replace(A_MODEL, business_metric={}),)}, "names no business metric"),
    ("CM", "unknown", {"measurements": ()}, "'expected loss' was never measured"),
    ("CM", "unknown", {"measurements": (measurement("clicks"),)}, "'expected loss' was never measured"),
]


@pytest.mark.parametrize(("name", "status", "change", "words"), OFF)
def test_what_turns_a_light_off(name, status, change, words):
    found = read(**change)[name]
    assert found.status == status
    assert words in found.missing
    assert found.remedy


def test_the_commit_that_ci_finished_last_counts():
    later = ci_run("ci-2", 5, commit=OTHER_COMMIT, tests=TESTS[:1])
    assert read(more=[later])["CI"].status == "missing"
    assert read(more=[later | {"state": "running"}])["CI"].status == "met"


def test_a_failed_test_of_monitoring_is_watched_all_the_same():
    assert read(findings=(finding("MON-3", "fail"), finding(verdict="fail")))["CM"].status == "met"


def test_a_refusal_by_the_gate_is_a_step_on():
    refused = DecisionFact(5, MODEL, "1.1.0", "production", "admit", "fail", NOW - timedelta(days=0.6))
    found = read(deployments=(), decisions=(refused,))["CT"]
    assert (found.status, found.proofs[-1].path) == ("met", "/decisions/5")


def test_a_run_may_name_the_version_that_it_made():
    assert read(versions=(version(run=None),), run=run(version="1.1.0"))["CT"].status == "met"


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_events_were_told_does_not_matter(seed):
    more = [
        commit(OTHER_COMMIT, 40),
        ci_run("ci-0", 40, commit=OTHER_COMMIT),
        run("nightly-1", 2),
        by_hand("tried", 3),
    ]
    assert read(seed=seed, more=more) == read(more=more)
