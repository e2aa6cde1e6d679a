"""MODEL-3 on planted searches: thorough, too short, not varied, badly chosen, at an edge."""

import pytest

from checks.contract import Missing, Verdict
from checks.experiments import Parameter, Trial, Trials
from checks.model.hyperparameter_tuning import HyperparameterTuning
from tests.checks.planted import declaration, judged, require_storable

CHECK = HyperparameterTuning()
DEPTHS, RATES = (2, 3, 4, 5, 6), (0.01, 0.03, 0.1, 0.3)
OWN = {"depth": 4, "rate": 0.1}


def quality(depth, rate):
    """Best at OWN, 0.9, and 0.02 less a step away."""
    return 0.9 - 0.02 * abs(DEPTHS.index(depth) - 2) - 0.02 * abs(RATES.index(rate) - 2)


def trial(number, value, state="complete", **parameters):
    return Trial(str(number), state, value, parameters)


def grid():
    """Twenty trials, each of other values."""
    pairs = [(depth, rate) for depth in DEPTHS for rate in RATES]
    return [trial(i, quality(d, r), depth=d, rate=r) for i, (d, r) in enumerate(pairs)]


def measured(trials, own=OWN, **about):
    search = Trials("d" * 64, tool="optuna", study="depths", metric="roc_auc", trials=tuple(trials), **about)
    measurement = CHECK.measure(declaration(tunables=own), search)
    require_storable(measurement)
    return measurement


def test_a_thorough_search_whose_best_was_chosen_passes():
    judgement = judged(CHECK, measured(grid()))
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "20 different trials count of 20 in optuna's depths; all of depth, rate were varied; roc_auc 0.9 of the "
        "version's own values is within 1.0% of the best, 0.9."
    )


def test_nineteen_trials_are_too_few():
    judgement = judged(CHECK, measured(grid()[1:]))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "19 different trials count of 19 in optuna's depths; 20 are asked."


@pytest.mark.parametrize("state", ["failed", "running"])
def test_failed_and_running_trials_do_not_count(state):
    broken = trial("broken", None, state, depth=7, rate=0.1)
    assert "19 different trials count of 20" in judged(CHECK, measured([*grid()[1:], broken])).reason


def test_a_pruned_trial_counts_and_is_never_the_best():
    pruned = trial("pruned", 0.99, "pruned", depth=7, rate=0.1)
    measurement = measured([*grid()[1:], pruned])
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    assert measurement.values["best"]["value"] == 0.9


def test_a_repeated_trial_is_none_more():
    """Such as folds of a cross-validation, or one run under several seeds."""
    assert "19 different trials count of 38" in judged(CHECK, measured([*grid()[1:], *grid()[1:]])).reason


def test_of_repeats_the_best_stands_for_the_chosen_values():
    unlucky = trial("again", 0.5, **OWN)
    assert judged(CHECK, measured([unlucky, *grid()])).verdict is Verdict.PASS


@pytest.mark.parametrize("still", [{"depth": 4, "rate": 0.1, "leaves": 8}, {"depth": 4, "never": 1}])
def test_what_was_never_varied_fails_by_name(still):
    searched = [trial(one.id, one.value, **one.parameters, leaves=8) for one in grid()]
    reason = judged(CHECK, measured(searched, own=still)).reason
    assert f"never varied: {list(still)[-1]}" in reason


@pytest.mark.parametrize(
    ("chosen", "direction", "verdict"),
    [
        (0.99, "maximize", Verdict.PASS),
        (0.98999, "maximize", Verdict.FAIL),
        (1.01, "minimize", Verdict.PASS),
        (1.01001, "minimize", Verdict.FAIL),
        (1.0, "minimize", Verdict.PASS),
    ],
)
def test_chosen_within_one_percent_of_the_best(chosen, direction, verdict):
    worse = 0.5 if direction == "maximize" else 2.0
    others = [trial(i, worse, depth=2 + i % 5, rate=1 + i) for i in range(18)]
    trials = [*others, trial("own", chosen, depth=4, rate=8.5), trial("best", 1.0, depth=5, rate=8.5)]
    judgement = judged(CHECK, measured(trials, {"depth": 4, "rate": 8.5}, direction=direction))
    assert judgement.verdict is verdict
    assert verdict is Verdict.PASS or "off the best, 1 (trial best)" in judgement.reason


def test_a_best_of_zero_is_only_met_exactly():
    zero = trial("zero", 0.0, depth=5, rate=0.2)
    judgement = judged(CHECK, measured([*grid(), zero], direction="minimize"))
    assert judgement.verdict is Verdict.FAIL
    assert "is more than 1.0% off the best, 0 (trial zero)" in judgement.reason
    own = measured([*grid(), zero], own={"depth": 5, "rate": 0.2}, direction="minimize")
    assert judged(CHECK, own).verdict is Verdict.PASS


def test_values_that_nobody_tried_fail():
    reason = judged(CHECK, measured(grid(), own={"depth": 4, "rate": 0.2})).reason
    assert "no complete trial tried the version's own values" in reason


def test_other_values_than_the_search_chose_fail_by_name():
    judgement = judged(CHECK, measured(grid(), chosen={"depth": 5, "rate": 0.1, "seed": 1}))
    assert judgement.verdict is Verdict.FAIL
    assert "the manifest declares depth 4, the search chose 5" in judgement.reason
    assert judged(CHECK, measured(grid(), chosen=OWN)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("depth", "verdict"), [(2, Verdict.FAIL), (3, Verdict.PASS), (5, Verdict.PASS), (6, Verdict.FAIL)]
)
def test_at_the_edge_and_one_step_inside(depth, verdict):
    judgement = judged(CHECK, measured(grid(), own={"depth": depth, "rate": 0.1}), max_gap=1)
    assert judgement.verdict is verdict
    end = "low" if depth == 2 else "high"
    assert (f"depth {depth} lies at the {end} end of 2 to 6, which is open-ended" in judgement.reason) == (
        verdict is Verdict.FAIL
    )


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (Parameter("depth", least=2), Verdict.PASS),
        (Parameter("depth", least=1), Verdict.FAIL),
        (Parameter("depth", most=2), Verdict.FAIL),
        (Parameter("depth", low=1, high=6), Verdict.PASS),
        (Parameter("depth", low=1.9, high=12), Verdict.FAIL),
    ],
    ids=["natural limit", "limit beyond", "limit elsewhere", "searched further", "within 1 % of the range"],
)
def test_an_edge_is_none_at_a_natural_limit_or_inside_the_range_searched(known, verdict):
    judgement = judged(CHECK, measured(grid(), own={"depth": 2, "rate": 0.1}, parameters=(known,)), max_gap=1)
    assert judgement.verdict is verdict


def test_a_value_close_to_the_end_is_no_edge_where_something_beyond_was_tried():
    beyond = trial("beyond", 0.1, depth=4, rate=0.3001)
    near = measured([*grid(), beyond], own={"depth": 4, "rate": 0.3})
    assert judged(CHECK, near, max_gap=1).verdict is Verdict.PASS


def test_a_range_searched_in_the_logarithm_is_judged_there():
    """0.0108 is 0.3 % into 0.01 to 0.3, and 2.3 % into it in the logarithm."""
    nearest = trial("near", 0.9, depth=4, rate=0.0108)
    trials = [*(one for one in grid() if one.parameters["rate"] > 0.01), nearest]
    for log, verdict in ((True, Verdict.PASS), (False, Verdict.FAIL)):
        known = Parameter("rate", low=0.01, high=0.3, log=log)
        measurement = measured(trials, own={"depth": 4, "rate": 0.0108}, parameters=(known,))
        assert judged(CHECK, measurement, min_trials=10).verdict is verdict


def test_what_is_no_number_has_no_edge():
    trials = [trial(i, 0.9, kind=kind, at=i) for i, kind in enumerate(["a", "b", None, True] * 5)]
    assert judged(CHECK, measured(trials, own={"kind": "b"})).verdict is Verdict.PASS
    mixed = [trial(i, 0.9, depth=depth, at=i) for i, depth in enumerate([3, 5, None, 7] * 5)]
    assert judged(CHECK, measured(mixed, own={"depth": 7})).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("declared", "tried", "agree"),
    [
        (1, 1.0, True),
        ("1e-3", 0.001, True),
        (0.1, 0.1 + 1e-12, True),
        (True, 1, False),
        ("a", "b", False),
        ([64, 32], [64, 32], True),
        (None, None, True),
        ("None", None, False),
    ],
)
def test_values_agree_up_to_how_they_were_written(declared, tried, agree):
    measurement = measured([*grid(), trial("own", 0.9, kind=tried)], own={"kind": declared})
    assert (measurement.values["chosen"] is not None) == agree


def test_a_search_in_which_nothing_completed_fails_in_words():
    reason = judged(CHECK, measured([trial(1, None, "failed", **OWN)])).reason
    assert "0 different trials count of 1" in reason
    assert "never varied: depth, rate" in reason


def test_without_declared_tunables_it_names_what_is_missing():
    with pytest.raises(Missing, match="declared hyperparameters") as missing:
        measured(grid(), own={})
    assert "version.tunables" in missing.value.how


def test_every_trial_is_in_the_table():
    (table,) = measured(grid()).exhibits
    lines = table.content.decode().splitlines()
    assert lines[0] == "trial,state,roc_auc,parameters"
    assert len(lines) == 21
