"""The chain from the commit to the deployment: every link met, contradicted, and with one side never told of."""

import pytest

from app.ledger.reading import chain, within
from tests.ledger.reading.planted import (
    COMMIT,
    LEVEL_1,
    MODEL,
    NOW,
    OTHER_COMMIT,
    PIPELINE,
    TESTS,
    ago,
    ci_run,
    commit,
    deployment,
    digest,
    history,
    pipeline_version,
    run,
    version,
)

TOLD = {
    "commit": commit(),
    "ci_run": ci_run(),
    "development": pipeline_version("development", 21),
    "production": pipeline_version(),
    "run": run(),
}
NAMES = ["commit", "ci_run", "package", "pipeline_version", "pipeline_run", "model_version", "deployment"]
V = version()


def told(**changes):
    return [one for one in (TOLD | changes).values() if one is not None]


def read(of=V, place=None, more=(), seed=None, **changes):
    known = history(*told(**changes), *more, shuffle=seed, versions=(of,), deployments=(place or deployment(of),))
    return chain.of_version(known, MODEL, of.name)


def test_an_unbroken_chain():
    found = read()
    assert (found.broken, found.judged.status) == (None, "met")
    assert [link.name for link in found.links] == NAMES
    assert [bool(link.value) for link in found.links] == [True] * 7
    assert all(link.judged.proofs and link.judged.proofs[0].at for link in found.links)
    assert found.environment == "production"


CONTRADICTED = [
    ("ci_run", {"ci_run": ci_run(state="failed")}, "CI run ci-1 failed"),
    ("ci_run", {"ci_run": ci_run(tests=TESTS[:2])}, "no model"),
    ("ci_run", {"ci_run": ci_run(tests=[TESTS[0], TESTS[2]])}, "no data"),
    ("ci_run", {"ci_run": ci_run(tests=[*TESTS[:2], TESTS[2] | {"passed": 0}])}, "no model"),
    ("ci_run", {"ci_run": ci_run(tests=[*TESTS[:2], TESTS[2] | {"failed": 1}])}, "tests of model failed"),
    ("package", {"production": pipeline_version(packages=[digest("smuggled")])}, "no CI run built"),
    ("pipeline_version", {"production": pipeline_version(commit=OTHER_COMMIT)}, "is of commit decade"),
    ("pipeline_run", {"run": run(pipeline_digest=digest("other"))}, "delivered to production was"),
    ("pipeline_run", {"run": run(state="failed")}, "run nightly-2 failed"),
    ("pipeline_run", {"run": run(commit=OTHER_COMMIT)}, "run nightly-2 is of commit decade"),
    ("pipeline_run", {"production": pipeline_version(days=0.5)}, "started before its pipeline was delivered"),
    ("model_version", {"run": run(version="7.0.0")}, "says that it made credit-default 7.0.0"),
    ("model_version", {"run": run(data_digest=digest("other"))}, "the version names"),
    ("deployment", {"place": deployment(V, artifact_digest="ab" * 32)}, "deployed is artifact"),
]


@pytest.mark.parametrize(("name", "change", "words"), CONTRADICTED)
def test_what_contradicts_itself_breaks_the_chain_there(name, change, words):
    found = read(**change)
    assert (found.broken.name, found.broken.judged.status) == (name, "missing")
    assert words in found.broken.judged.missing
    assert found.broken.judged.remedy
    assert found.judged.status == "missing"


NEVER_TOLD = [
    ("commit", {"commit": None}, "nothing was told of the commit"),
    ("ci_run", {"ci_run": None}, "no CI run of commit"),
    ("ci_run", {"ci_run": ci_run(tests=None)}, "does not say what it tested"),
    ("ci_run", {"ci_run": ci_run(state="running")}, "CI run ci-1 is running"),
    ("package", {"ci_run": ci_run(packages=None)}, "CI tells of no package"),
    ("pipeline_version", {"production": None, "development": None}, "no pipeline version is known"),
    ("pipeline_version", {"production": pipeline_version(packages=None)}, "does not say which packages"),
    ("pipeline_run", {"run": run(pipeline_digest=None)}, "does not say which pipeline ran"),
    ("pipeline_run", {"run": run(state="running")}, "is running"),
    ("pipeline_run", {"run": None}, "nothing was told of run nightly-2"),
    ("deployment", {"place": deployment(V, artifact_digest=None)}, "no digest is known of what was deployed"),
]


@pytest.mark.parametrize(("name", "change", "words"), NEVER_TOLD)
def test_what_was_never_told_is_unknown_and_not_broken(name, change, words):
    found = read(**change)
    assert (found.broken.name, found.broken.judged.status) == (name, "unknown")
    assert words in found.broken.judged.missing
    assert found.broken.judged.remedy
    assert found.judged.status == "unknown"


def test_a_contradiction_is_named_before_what_is_unknown():
    found = read(commit=None, production=pipeline_version(commit=OTHER_COMMIT))
    assert (found.broken.name, found.links[0].judged.status) == ("pipeline_version", "unknown")


def test_a_version_that_is_tied_to_no_run():
    found = read(version(run=None))
    assert (found.broken.name, found.broken.judged.status) == ("pipeline_run", "unknown")
    assert "tied to no run" in found.broken.judged.missing


def test_a_run_may_name_the_version_instead():
    assert read(version(run=None), run=run(version="1.1.0")).broken is None


def test_a_registry_may_tie_version_and_run():
    registered = {"kind": "registered_version", "id": "1", "at": ago(0.9), "registry": "mlflow", "model": MODEL}
    registered |= {"name": "credit", "number": "3", "run": "nightly-2", "version": "1.1.0"}
    assert read(version(run=None), more=[registered]).broken is None


def test_two_runs_that_claim_one_version():
    found = read(more=[run("nightly-9", 0.95, version="1.1.0")])
    assert found.broken.name == "model_version"
    assert "run nightly-9" in found.broken.judged.missing


def test_a_package_of_another_commit():
    other = ci_run("ci-0", 40, commit=OTHER_COMMIT, packages=[{"name": "p", "digest": digest("old")}])
    found = read(more=[other], production=pipeline_version(packages=[digest("old")]))
    assert found.broken.name == "pipeline_version"
    assert "built from commit decade" in found.broken.judged.missing


def test_a_ci_run_that_was_tried_again():
    assert read(more=[ci_run("ci-0", 29.5, state="failed")]).broken is None
    assert read(more=[ci_run("ci-2", 28.5, state="failed")]).broken.name == "ci_run"


def test_tests_of_several_runs_count_together():
    halves = ci_run(tests=TESTS[:1]), ci_run("ci-2", 28, tests=TESTS[1:], packages=None)
    assert read(ci_run=halves[0], more=[halves[1]]).broken is None


def test_a_commit_may_be_abbreviated_and_a_digest_bare():
    bare = pipeline_version(packages=[digest("package").removeprefix("sha256:")])
    assert read(version(commit=COMMIT[:7]), production=bare).broken is None
    assert read(version(commit=OTHER_COMMIT[:7])).broken.judged.status == "missing"


def test_a_pipeline_delivered_at_the_very_start_of_the_run():
    assert read(production=pipeline_version(days=1.0)).broken is None


def test_a_later_delivery_does_not_break_what_ran_before():
    assert read(more=[pipeline_version(days=0.7, digest=digest("newer"), id="newer")]).broken is None


def test_a_version_that_is_not_deployed_has_no_such_link():
    known = history(*told(), versions=(V,))
    found = chain.of_version(known, MODEL, "1.1.0")
    assert (found.broken, [one.name for one in found.links], found.environment) == (None, NAMES[:-1], None)
    assert chain.of_version(known, MODEL, "9.9.9") is None


def test_the_newest_is_what_serves_in_production():
    old = version("1.0.0", 9, id=1, run="nightly-1")
    places = (
        deployment(old, 8, id=1),
        deployment(V, 0.5, "staging", id=2),
        deployment(old, 9, "staging", id=3, ended_at=NOW),
    )
    known = within.of_pipeline(history(*told(), versions=(old, V), deployments=places), PIPELINE)
    assert (chain.newest(known).version, chain.newest(known).environment) == ("1.0.0", "production")
    assert chain.newest(history(versions=(old, V))).version == "1.1.0"
    assert chain.newest(history(*LEVEL_1)) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_events_were_told_does_not_matter(seed):
    more = [
        ci_run("ci-0", 29.5, state="failed"),
        run("nightly-1", 2),
        pipeline_version(days=25, digest=digest("old")),
    ]
    assert read(more=more, seed=seed) == read(more=more)
