"""Rows 1 to 3 and 20: design, development, operations, and how models reach products."""

from dataclasses import replace

import pytest

from app.ledger.history import FindingFact, TrafficFact
from app.ledger.reading.process import design, development, operations
from app.ledger.reading.products import as_api, fleet
from app.ledger.reading.words import Status
from checks.contract import Section
from tests.ledger.story import Story, at


@pytest.fixture
def story():
    return Story()


# --- design -------------------------------------------------------------------------------------------


def test_a_complete_registration(story):
    story.version("1")
    found = design(story.history(9), story.versions[0])
    assert found.judged.holds
    assert found.fields["threshold"] == "roc_auc 0.7"
    assert [one.text for one in found.judged.proofs][-1] == "threshold: roc_auc 0.7"


@pytest.mark.parametrize(
    ("of_model", "quality", "missing"),
    [
        ({"purpose": ""}, None, "no purpose"),
        ({"users": ""}, None, "no users"),
        ({"problem_type": ""}, None, "no problem type"),
        ({"business_metric": {}}, None, "no business metric, no business target"),
        ({"business_metric": {"name": "loss", "target": None}}, None, "no business target"),
        ({}, {"metric": "roc_auc", "floor": None}, "no threshold"),
    ],
)
def test_what_a_registration_does_not_say(story, of_model, quality, missing):
    story.version("1", quality=quality)
    story.models[0] = replace(story.models[0], **of_model)
    found = design(story.history(9), story.versions[0])
    assert (found.judged.status, found.judged.missing) == (Status.MISSING, f"the registration has {missing}")


def test_a_floor_of_zero_is_a_threshold(story):
    story.version("1", quality={"metric": "r2", "floor": 0.0})
    assert design(story.history(9), story.versions[0]).judged.holds


def test_without_a_version_there_is_no_threshold(story):
    assert "no threshold" in design(story.history(9), None).judged.missing


# --- development --------------------------------------------------------------------------------------


def developed(story, runs, quality=None):
    """The newest run made version 1; values of the metric by run, None where it tells none."""
    story.version("1", quality=quality)
    metric = story.versions[0].manifest["quality"]["metric"]
    for number, value in enumerate(runs):
        told = {"metrics": {} if value is None else {metric: value}, "model": "m"}
        if number == len(runs) - 1:
            told["version"] = "1"
        story.run(f"r{number}", number, number + 0.5, **told)
    return development(story.history(30), story.versions[0])


@pytest.mark.parametrize(
    ("runs", "quality", "status", "missing"),
    [
        ([0.6, 0.7], None, Status.MET, ""),
        ([0.6, 0.699], None, Status.MISSING, "roc_auc 0.699 is outside of the threshold 0.7"),
        ([0.6, 0.8], {"metric": "rmse", "floor": 0.8}, Status.MET, ""),
        (
            [0.6, 0.81],
            {"metric": "rmse", "floor": 0.8},
            Status.MISSING,
            "rmse 0.81 is outside of the threshold 0.8",
        ),
        ([0.8], None, Status.MISSING, "it was the first run: nothing shows iterations"),
        ([0.6, None], None, Status.UNKNOWN, "the run r1 does not tell roc_auc"),
        ([0.6, 0.7], {"metric": "roc_auc", "floor": None}, Status.MISSING, "no threshold is registered"),
    ],
)
def test_the_chosen_run_and_those_before_it(story, runs, quality, status, missing):
    found = developed(story, runs, quality)
    assert (found.judged.status, found.judged.missing) == (status, missing)
    assert (found.chosen, found.runs) == (f"r{len(runs) - 1}", len(runs))


def test_runs_that_failed_or_came_later_are_no_iterations(story):
    developed(story, [0.8])
    story.run("bad", 0, 0.1, state="failed", model="m")
    story.run("later", 5, 6, model="m")
    assert development(story.history(30), story.versions[0]).runs == 1


def test_a_version_of_which_no_run_is_known(story):
    story.version("1")
    found = development(story.history(30), story.versions[0])
    assert (found.judged.status, found.chosen) == (Status.UNKNOWN, None)
    assert development(story.history(30), None).judged.missing == "no version is registered"


# --- operations ---------------------------------------------------------------------------------------


def findings(*told):
    """(test, version, verdict) each."""
    return tuple(
        FindingFact(i, i, test, "m", version, None, verdict, True, at(i), "")
        for i, (test, version, verdict) in enumerate(told)
    )


ALL_FOUR = [("DATA-1", "1", "pass"), ("MODEL-5", "1", "fail"), ("INFRA-7", "0", "pass"), ("MON-2", "0", "pass")]


def operated(story, told):
    story.version("1")
    return operations(replace(story.history(30), findings=findings(*told)), story.versions[0])


def test_all_four_sections_have_a_verdict(story):
    found = operated(story, ALL_FOUR)
    assert found.judged.holds
    assert [one.path for one in found.judged.proofs] == [f"/findings/{i}" for i in range(4)]


@pytest.mark.parametrize("left_out", range(4))
@pytest.mark.parametrize("verdict", [None, "inconclusive", "error", "not_applicable"])
def test_a_section_without_a_verdict_is_unknown(story, left_out, verdict):
    told = list(ALL_FOUR)
    test, version, _ = told.pop(left_out)
    if verdict:
        told.append((test, version, verdict))
    found = operated(story, told)
    section = list(Section)[left_out]
    assert (found.judged.status, found.judged.missing) == (
        Status.UNKNOWN,
        f"no test has come to a verdict in {section}",
    )


def test_another_versions_test_says_nothing_of_this_one(story):
    found = operated(story, [("DATA-1", "0", "pass"), *ALL_FOUR[1:]])
    assert found.judged.missing == "no test has come to a verdict in data"


# --- products -----------------------------------------------------------------------------------------


def served(story, *, artifact=True, traffic=(), **place):
    if place is not None:
        story.deploy("1", 1, **place)
    digest = "ab" * 32 if artifact else None
    story.versions[:] = [replace(one, artifact_digest=digest) for one in story.versions]
    facts = tuple(TrafficFact("m", environment, "1", at(2), at(3), 9) for environment in traffic)
    return replace(story.history(30), traffic=facts)


def test_a_model_answers_at_an_address_of_its_own(story):
    history = served(story, traffic=["production"])
    (product,) = fleet(history).products
    (address,) = product.addresses
    assert (address.path, address.last_at) == ("/environments/production/v2/models/m/infer", at(3))
    assert as_api(history).holds


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, Status.MET),
        ({"role": "canary"}, Status.MET),
        ({"artifact": False}, Status.UNKNOWN),
        ({"artifact": False, "traffic": ["production"]}, Status.MET),
        ({"environment": "staging"}, Status.MISSING),
        ({"role": "shadow"}, Status.UNKNOWN),
        ({"until": 2}, Status.UNKNOWN),
        ({"until": 2, "traffic": ["production"]}, Status.MET),  # another server answers
        ({"until": 2, "traffic": ["staging"]}, Status.MISSING),
    ],
)
def test_who_reaches_a_product(story, told, status):
    assert as_api(served(story, **told)).status is status


def test_the_stable_version_gives_the_address(story):
    story.deploy("2", 2, role="canary")
    history = served(story)
    assert [one.version for one in fleet(history).products[0].addresses] == ["1"]


def test_the_fleet_is_counted(story):
    for name, place in (("a", {}), ("b", {"environment": "staging"}), ("c", None)):
        story.model(name)
        if place is not None:
            story.deploy("1", 1, model=name, **place)
    found = fleet(served(story))
    assert (found.models, found.as_api, found.elsewhere, found.nowhere) == (4, 2, 1, 1)
    assert [one.model for one in found.products] == ["a", "b", "c", "m"]
    assert [one.judged.holds for one in found.products] == [True, False, False, True]
