"""MODEL-6 on slices that are as good as all rows, worse, worse than before, and too small."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from checks.contract import Missing, Verdict
from checks.evidence import EarlierVersions, Feature, OrganisationPolicy, Predictions, Slice, Task
from checks.methods.ranking import ranking
from checks.model.slice_quality import SliceQuality
from tests.checks.planted import (
    declaration,
    diabetes,
    features_of,
    fitted,
    halves,
    holdout,
    judged,
    predictions,
    require_storable,
)
from tests.checks.planted_models import answered, flipped, serving, stored

CHECK = SliceQuality()
YOUNG, OLD = Slice("young", {"age": {"max": 30}}), Slice("old", {"age": {"min": 60}})
NORTH, ISLE = Slice("north", {"region": "north"}), Slice("isle", {"region": "isle"})
NOTHING = EarlierVersions()
RNG = np.random.default_rng(4)


def customers(rows=3000, seed=0):
    rng = np.random.default_rng(seed)
    regions = rng.choice(["north", "south", "isle"], rows, p=[0.49, 0.49, 0.02])
    return pd.DataFrame({"age": rng.integers(18, 80, rows), "region": regions, "y": rng.integers(0, 2, rows)})


def measured(frame, label, earlier=NOTHING, policy=None, slices=(YOUNG, OLD, NORTH), **declared):
    declared = declaration(slices=slices, **declared)
    return CHECK.measure(declared, holdout(frame), answered(None, label), earlier, policy)


def uneven(frame, young, others, seed=8):
    """Predictions wrong by chance at these rates."""
    rates = np.where(frame["age"] < 30, young, others)
    return flipped(frame["y"].to_numpy(), rates, np.random.default_rng(seed))


def test_slices_as_good_as_the_rest_pass():
    frame = customers()
    found = measured(frame, uneven(frame, 0.1, 0.1))
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.PASS
    assert "None of 3 slices is credibly worse than all rows (error 0.093" in judgement.reason
    assert "No serving version" in judgement.reason
    require_storable(found)


def test_a_worse_slice_fails_by_name_and_the_others_are_not_named():
    frame = customers()
    found = measured(frame, uneven(frame, 0.25, 0.1))
    judgement = judged(CHECK, found)
    young = int((frame["age"] < 30).sum())
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith(f"slice young ({young} rows, error 0.2")
    assert "old" not in judgement.reason
    assert "above the error of all rows" in judgement.reason
    assert judgement.remedy


def test_the_gap_and_its_error_are_those_of_a_part_against_its_whole():
    frame = customers()
    label = uneven(frame, 0.25, 0.1)
    wrong = (label != frame["y"]).to_numpy(dtype=float)
    mask = (frame["age"] < 30).to_numpy()
    [young] = stored(measured(frame, label, slices=(YOUNG,)))["slices"]
    assert young["error"] == pytest.approx(wrong[mask].mean())
    assert young["gap"] == pytest.approx(wrong[mask].mean() - wrong.mean())
    gaps = []
    for _ in range(2000):  # drawn anew within the slice and within the rest
        inside, rest = (RNG.choice(wrong[side], side.sum()) for side in (mask, ~mask))
        gaps.append(inside.mean() - np.concatenate([inside, rest]).mean())
    assert young["gap_se"] == pytest.approx(np.std(gaps), rel=0.1)


def test_a_slice_of_everything_has_no_gap():
    frame = customers()
    everyone = Slice("everyone", {"age": {"min": 0}})
    found = measured(frame, uneven(frame, 0.5, 0.5), slices=(everyone,))
    assert stored(found)["slices"][0]["gap"] == 0
    assert judged(CHECK, found).verdict is Verdict.PASS


def test_an_old_weakness_that_grew_against_the_serving_version_fails():
    frame = customers()
    before = uneven(frame, 0.1, 0.1, seed=1)
    after = np.where((frame["age"] < 30) & (RNG.random(len(frame)) < 0.06), 1 - frame["y"], before)
    found = measured(frame, after, serving("1.4", answered(None, before)))
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "slice young" in judgement.reason
    assert "above version 1.4, credibly more than 0.0" in judgement.reason
    assert "old" not in judgement.reason
    assert judged(CHECK, found, max_regression=0.2).verdict is Verdict.PASS
    assert judged(CHECK, measured(frame, before, serving("1.4", answered(None, before)))).verdict is Verdict.PASS


def test_the_change_is_paired():
    frame = customers()
    before = uneven(frame, 0.3, 0.3)
    after = np.where(np.arange(len(frame)) % 50 == 0, 1 - frame["y"], before)
    found = stored(measured(frame, after, serving("1.4", answered(None, before)), slices=(NORTH,)))["slices"][0]
    north = (frame["region"] == "north").to_numpy()
    change = (after != frame["y"]).astype(float) - (before != frame["y"]).astype(float)
    assert found["change"] == pytest.approx(change[north].mean())
    assert found["change_se"] == pytest.approx(change[north].std(ddof=1) / np.sqrt(north.sum()))
    assert found["change_se"] < found["error_se"] / 3


def test_a_serving_version_that_leaves_rows_unanswered_is_not_compared():
    frame = customers()
    label = uneven(frame, 0.1, 0.1)
    silent = Predictions(np.full(len(frame), np.nan))
    judgement = judged(CHECK, measured(frame, label, serving("1.4", silent)))
    assert judgement.verdict is Verdict.PASS
    assert "No serving version was compared" in judgement.reason


def test_small_slices_are_named_and_when_all_are_small_nothing_is_judged():
    frame = customers()
    small = int((frame["region"] == "isle").sum())
    label = uneven(frame, 0.1, 0.1)
    some = judged(CHECK, measured(frame, label, slices=(YOUNG, ISLE)))
    assert some.verdict is Verdict.PASS
    assert f"Not judged, fewer than 100 labelled rows: isle ({small})" in some.reason
    all_small = measured(frame, label, slices=(ISLE, Slice("nobody", {"age": {"max": 0}})))
    judgement = judged(CHECK, all_small)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"fewer than 100 labelled rows: isle ({small}), nobody (0)" in judgement.reason
    assert judged(CHECK, all_small, min_rows=small).verdict is Verdict.PASS
    assert judged(CHECK, all_small, min_rows=small + 1).verdict is Verdict.INCONCLUSIVE
    require_storable(all_small)


def test_a_slice_of_an_unknown_column_is_never_passed_over():
    frame = customers()
    typo = Slice("typo", {"regoin": "north"})
    judgement = judged(CHECK, measured(frame, uneven(frame, 0.1, 0.1), slices=(YOUNG, typo)))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "typo: the test data has no column 'regoin'; did you mean 'region'?" in judgement.reason
    failing = judged(CHECK, measured(frame, uneven(frame, 0.4, 0.1), slices=(YOUNG, typo)))
    assert failing.verdict is Verdict.FAIL


def test_the_organisations_slices_are_judged_too():
    frame = customers()
    label = uneven(frame, 0.25, 0.1)
    policy = OrganisationPolicy(slices=(YOUNG,))
    assert judged(CHECK, measured(frame, label, slices=(OLD,))).verdict is Verdict.PASS
    assert "slice young" in judged(CHECK, measured(frame, label, policy=policy, slices=(OLD,))).reason
    assert judged(CHECK, measured(frame, label, policy=policy, slices=())).verdict is Verdict.FAIL
    with pytest.raises(Missing, match="declared slices"):
        measured(frame, label, slices=())


def sliced(*gaps, error=0.2, se=0.01, **fields):
    """Measured values of slices with these gaps and standard errors of ``se``."""
    slices = [
        {"name": f"s{i}", "problem": None, "rows": 500, "error": error, "error_se": se}
        | {"gap": gap, "gap_se": se, "change": None, "change_se": None, **fields}
        for i, gap in enumerate(gaps)
    ]
    return {"rows": 5000, "unlabelled": 0, "unit": "x", "error": 0.1, "incumbent": "1.0", "slices": slices}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        (sliced(0.0664), Verdict.PASS),  # 0.05 + 1.645 * 0.01
        (sliced(0.0665), Verdict.FAIL),
        (sliced(0.0695, *[0.0] * 9), Verdict.PASS),  # one above the limit among several: 1.960 standard errors
        (sliced(0.0697, *[0.0] * 9), Verdict.FAIL),
        (sliced(0.0697, *[0.0501] * 9), Verdict.PASS),  # one of ten above the limit: 2.807
        (sliced(0.0782, *[0.0501] * 9), Verdict.FAIL),
        (sliced(*[0.0697] * 10), Verdict.FAIL),
        (sliced(0.0, change=0.0264, change_se=0.01), Verdict.PASS),
        (sliced(0.0, change=0.0265, change_se=0.01), Verdict.FAIL),
    ],
)
def test_boundaries(values, verdict):
    assert CHECK.judge(values, CHECK.thresholds).verdict is verdict


def test_a_gap_beyond_the_limit_that_is_not_credible_is_named():
    reason = CHECK.judge(sliced(0.06), CHECK.thresholds).reason
    assert "Above a limit, but not credibly at this number of rows: s0 (gap 0.060)" in reason


def test_the_papers_absolute_example_can_be_asked_for():
    assert CHECK.judge(sliced(0.0, error=0.2), CHECK.thresholds).verdict is Verdict.PASS
    judgement = CHECK.judge(sliced(0.0, error=0.2), {**CHECK.thresholds, "max_slice_error": 0.05})
    assert judgement.verdict is Verdict.FAIL
    assert "0.200 of error, credibly more than 0.184 where 0.05 is allowed" in judgement.reason


def test_a_regression_that_is_wrong_for_one_group_fails_in_units_of_the_labels_sd():
    train, test = halves(diabetes())
    declared = declaration(task=Task.REGRESSION, metric="mae", features=features_of(test, "y"))
    predicted = predictions(fitted(LinearRegression(), declared, train), test)
    slices = (Slice("men", {"sex": 1}), Slice("women", {"sex": 2}))
    declared = declaration(task=Task.REGRESSION, metric="mae", slices=slices)
    healthy = CHECK.measure(declared, holdout(test), predicted, NOTHING, None)
    assert judged(CHECK, healthy).verdict is Verdict.PASS
    assert stored(healthy)["error"] == pytest.approx(
        np.abs(predicted.label - test["y"]).mean() / test["y"].std(ddof=0)
    )

    shifted = Predictions(predicted.label + 150 * (test["sex"] == 2).to_numpy())
    broken = judged(CHECK, CHECK.measure(declared, holdout(test), shifted, NOTHING, None))
    assert broken.verdict is Verdict.FAIL
    assert "slice women" in broken.reason
    assert "men (" not in broken.reason.replace("women (", "")
    with pytest.raises(Missing, match="labels that differ"):
        CHECK.measure(declared, holdout(test.assign(y=1.0)), predicted, NOTHING, None)


def test_healthy_slices_rarely_alarm_even_at_the_limit():
    alarms, rng = 0, np.random.default_rng(5)
    masks = rng.random((6, 2000)) < 0.15
    for _ in range(200):
        wrong = rng.random(2000) < np.where(masks[0], 0.16, 0.1)  # a gap of about 5 points in one of six slices
        frame = pd.DataFrame({f"m{i}": mask for i, mask in enumerate(masks)}).assign(y=0).astype(int)
        frame.loc[0, "y"] = 1
        slices = tuple(Slice(f"m{i}", {f"m{i}": 1}) for i in range(6))
        found = measured(frame, np.where(wrong, 1 - frame["y"], frame["y"]), slices=slices)
        alarms += judged(CHECK, found).verdict is Verdict.FAIL
    assert alarms <= 0.05 * 200


def test_the_same_audit_twice_is_identical_and_judged_alike_from_the_database():
    frame = customers()
    first, second = (measured(frame, uneven(frame, 0.25, 0.1)) for _ in range(2))
    assert first == second
    assert CHECK.judge(stored(first), CHECK.thresholds) == judged(CHECK, first)


# --- ranking within a slice ---------------------------------------------------------------------------


def rare(rows=6000, seed=0, blind=True):
    """Some 9 % positives, as the scores foresee, except that those of the isle are anybody's guess if ``blind``."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"region": rng.choice(["north", "south", "isle"], rows, p=[0.6, 0.2, 0.2])})
    score = 1 / (1 + np.exp(-rng.normal(-3, 1.5, rows)))
    truth = (rng.random(rows) < score).astype(int)
    isle = (frame["region"] == "isle").to_numpy()
    if blind:
        truth[isle] = rng.permutation(truth[isle])
    return frame.assign(y=truth), score


def ranked(frame, score, slices=(NORTH, ISLE), policy=None, **declared):
    declared = declaration(slices=slices, **declared)
    label = (score > 0.5).astype(int)
    return CHECK.measure(declared, holdout(frame), answered(None, label, score), NOTHING, policy)


def test_a_slice_that_is_ranked_by_chance_fails_though_its_errors_are_those_of_any_other():
    found = ranked(*rare())
    judgement = judged(CHECK, found)
    isle = next(one for one in stored(found)["slices"] if one["name"] == "isle")
    assert isle["area"] == pytest.approx(0.5, abs=0.05)
    assert judgement.verdict is Verdict.FAIL
    assert "slice isle" in judgement.reason
    assert "of ROC area below the other rows" in judgement.reason
    assert "north" not in judgement.reason
    assert judged(CHECK, found, max_area_gap=0.9).verdict is Verdict.PASS
    assert judged(CHECK, found, max_area_gap=None).verdict is Verdict.PASS
    require_storable(found)


def test_the_organisations_slice_is_not_diluted_by_hundreds_of_the_owners():
    frame, score = rare()
    frame["id"] = np.arange(len(frame))
    many = tuple(Slice(f"tenth {i}", {"id": {"min": i, "max": i + 600}}) for i in range(0, 5400, 18))
    policy = OrganisationPolicy(slices=(ISLE,))
    assert judged(CHECK, ranked(frame, score, many, policy)).verdict is Verdict.FAIL


def test_a_slice_that_ranks_worse_by_nature_passes_as_its_own_probabilities_foresee_it():
    frame, score = rare(rows=20_000, blind=False)
    rng = np.random.default_rng(1)
    flat = (frame["region"] == "isle").to_numpy()
    score = np.where(flat, rng.uniform(0.08, 0.1, len(frame)), score)
    frame["y"] = (rng.random(len(frame)) < score).astype(int)
    found = ranked(frame, score)
    isle = next(one for one in stored(found)["slices"] if one["name"] == "isle")
    assert isle["area_gap"] > 0.2
    assert isle["area_surprise"] < 0.05
    assert judged(CHECK, found).verdict is Verdict.PASS


def test_healthy_slices_are_seldom_called_blind():
    judgements = [judged(CHECK, ranked(*rare(rows=2000, seed=seed, blind=False))) for seed in range(100)]
    assert [one.verdict for one in judgements].count(Verdict.FAIL) <= 2


@pytest.mark.parametrize("metric", ["accuracy", "f1", "balanced_accuracy"])
def test_where_the_declared_metric_counts_labels_ranking_is_not_judged(metric):
    found = ranked(*rare(), metric=metric)
    assert {one["area"] for one in stored(found)["slices"]} == {None}
    assert judged(CHECK, found).verdict is Verdict.PASS


def test_area_and_variance_are_scikit_learns_and_the_bootstraps():
    frame, score = rare(rows=1500)
    positive = (frame["y"] == 1).to_numpy()
    score = np.round(score, 2)  # ties
    found = ranking(positive, score)
    assert found.area == pytest.approx(roc_auc_score(positive, score))
    drawn = [RNG.integers(0, len(frame), len(frame)) for _ in range(500)]
    spread = np.std([roc_auc_score(positive[rows], score[rows]) for rows in drawn])
    assert found.variance**0.5 == pytest.approx(spread, rel=0.25)
    coin = np.random.default_rng(0)
    areas = [roc_auc_score(coin.random(len(score)) < score, score) for _ in range(200)]
    assert found.foreseen == pytest.approx(np.mean(areas), abs=0.01)


@pytest.mark.parametrize(("positives", "judgeable"), [(19, False), (20, True)])
def test_twenty_of_either_class_are_needed(positives, judgeable):
    positive = np.arange(100) < positives
    assert (ranking(positive, np.linspace(0, 1, 100)) is not None) is judgeable
    assert (ranking(~positive, np.linspace(0, 1, 100)) is not None) is judgeable


def ranked_with_features(slope_in_the_isle, blind):
    """A model that learned in training that the isle cannot be ranked, beside the number by which others are."""
    rng = np.random.default_rng(3)
    frame, _ = rare(blind=False)
    isle = (frame["region"] == "isle").to_numpy()
    frame["x"] = rng.normal(0, 1.5, len(frame)) * np.where(isle, slope_in_the_isle, 1)
    score = 1 / (1 + np.exp(3 - frame["x"].to_numpy()))
    frame["y"] = (rng.random(len(frame)) < score).astype(int)
    if blind:
        frame.loc[isle, "y"] = rng.permutation(frame.loc[isle, "y"])
        score = np.where(isle, rng.uniform(0.08, 0.1, len(frame)), score)
    return ranked(frame, score, features=(Feature("x", "number"),))


def test_a_slice_that_the_model_learned_not_to_rank_fails_by_what_the_other_rows_foresee():
    found = ranked_with_features(slope_in_the_isle=1, blind=True)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith("slice isle")
    assert "of ROC area below the other rows" in judgement.reason


def test_a_slice_whose_inputs_vary_little_ranks_worse_by_nature_and_passes():
    found = ranked_with_features(slope_in_the_isle=0.1, blind=False)
    isle = next(one for one in stored(found)["slices"] if one["name"] == "isle")
    assert isle["area_gap"] - 3 * isle["area_gap_se"] > 0.1
    assert abs(isle["area_surprise"]) < 0.1
    assert judged(CHECK, found).verdict is Verdict.PASS
