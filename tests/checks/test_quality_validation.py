"""INFRA-4 on numbers that are sound and good, void, too low, and worse than before."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checks.cohorts import labelled
from checks.contract import EarlierVersions, Feature, Floor, Missing, Predictions, Rescored, Task, Verdict
from checks.infra.quality_validation import QualityValidation
from checks.leakage import credible_overlap, overlap, revealing_features
from tests.checks.planted import (
    applications,
    declaration,
    diabetes,
    features_of,
    fitted,
    halves,
    holdout,
    judged,
    predictions,
    require_storable,
    training,
    tumours,
)
from tests.checks.planted_models import answered, scored, serving, stored

CHECK = QualityValidation()
NOTHING = EarlierVersions()


def measured(frame, floor, *, train=None, test=None, metric="roc_auc", earlier=NOTHING, features=None, **declared):
    """Linear models on halves of the data, or on the given halves."""
    given_train, given_test = halves(frame)
    train, test = given_train if train is None else train, given_test if test is None else test
    declared = declaration(
        features=features or features_of(frame, "y"), metric=metric, floor=Floor(metric, floor), **declared
    )
    estimator = LinearRegression() if declared.task is Task.REGRESSION else LogisticRegression()
    model = fitted(make_pipeline(StandardScaler(), estimator), declared, train)
    return CHECK.measure(declared, training(train), holdout(test), predictions(model, test), earlier)


def test_a_sound_number_above_the_floor_passes():
    found = measured(tumours(), 0.95)
    judgement = judged(CHECK, found, require_proof=True)
    assert judgement.verdict is Verdict.PASS
    assert "roc_auc 0.99" in judgement.reason
    assert "keeps to the floor 0.95. No serving version was compared. 0 of 285 rows" in judgement.reason
    require_storable(found)


def test_errors_have_an_upper_limit_for_a_floor():
    given = {"task": Task.REGRESSION, "metric": "mae"}
    assert judged(CHECK, measured(diabetes(), 60, **given)).verdict is Verdict.PASS
    judgement = judged(CHECK, measured(diabetes(), 30, **given))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith("mae 44.14 (95 % interval 39")
    assert "wholly on the wrong side of the floor 30" in judgement.reason


# --- void numbers --------------------------------------------------------------------------------


def test_holdout_rows_that_were_trained_on_void_the_number():
    train, test = halves(tumours())
    leaky = pd.concat([test.iloc[40:], train.sample(40, random_state=0)], ignore_index=True)
    found = measured(tumours(), 0.5, train=train, test=leaky)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "void: 40 of 285 holdout rows are also training rows, credibly" in judgement.reason
    assert "(0 of 284 training rows have a twin) where 1.0% is allowed" in judgement.reason
    assert judged(CHECK, found, max_overlap=0.2).verdict is Verdict.PASS
    assert "40 of 285 rows are also in the training data" in judged(CHECK, found, max_overlap=0.2).reason


@pytest.mark.parametrize("stored_as", ["float32", "float64"])
def test_copies_are_found_in_whatever_type_they_are_stored(stored_as):
    train, test = halves(tumours())
    copies = train.iloc[:60].astype(stored_as)
    found = measured(tumours(), 0.5, train=train, test=pd.concat([test, copies], ignore_index=True))
    assert stored(found)["overlap"]["shared"] == 60


def coarse(rows, cells, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.integers(0, cells, rows), "y": rng.integers(0, 2, rows)})


def overlapping(train, test, **declared):
    declared = declaration(features=(Feature("x", "number"),), **declared)
    return overlap(declared, training(train), labelled(declared, holdout(test), answered(None, test["y"])))


@pytest.mark.parametrize("cells", [5, 300, 5000, 100_000])
def test_rows_that_are_alike_by_nature_do_not_fail(cells):
    alarms = [
        credible_overlap(overlapping(*halves(coarse(2000, cells, seed), seed))) > CHECK.thresholds["max_overlap"]
        for seed in range(40)
    ]
    assert sum(alarms) <= 2


def test_copies_are_found_among_rows_that_are_alike_by_nature():
    train, test = halves(coarse(6000, 20_000))
    copied = pd.concat([test.iloc[450:], train.sample(450, random_state=0)], ignore_index=True)
    assert credible_overlap(overlapping(train, test)) < 0.01
    assert credible_overlap(overlapping(train, copied)) > 0.05


def test_oversampling_the_training_data_hides_no_copies():
    frame = coarse(2000, 10**9)
    train, test = halves(frame.assign(key=np.arange(len(frame))))
    copied = pd.concat([test.iloc[50:], train.iloc[:50]], ignore_index=True)
    oversampled = pd.concat([train, train[train["y"] == 1]])
    assert credible_overlap(overlapping(oversampled, test)) < 0.01
    assert credible_overlap(overlapping(oversampled, copied)) > 0.02
    assert overlapping(oversampled, copied)["training_twins"] == 2 * int((train["y"] == 1).sum())
    with_ids = overlapping(oversampled, copied, id_column="key")
    assert (with_ids["training_twins"], with_ids["training_rows"]) == (0, 1000)
    assert with_ids["shared_ids"] is None


def test_ids_in_both_data_sets_void_the_number_even_when_the_rows_were_changed():
    frame = tumours().assign(case=lambda f: [f"case-{i}" for i in range(len(f))])
    train, test = halves(frame)
    test.loc[:9, "case"] = train["case"].iloc[:10].to_numpy()
    features = features_of(tumours(), "y")
    found = measured(frame, 0.5, train=train, test=test, features=features, id_column="case")
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "10 of 285 holdout ids are also in the training data" in judgement.reason
    assert judged(CHECK, found, max_overlap=10 / 285).verdict is Verdict.PASS
    persons = train.assign(case="one person")
    repeated = measured(frame, 0.5, train=persons, test=test, features=features, id_column="case")
    assert judged(CHECK, repeated).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("leak", "kind"),
    [
        (lambda f, rng: f["y"] + rng.normal(0, 0.01, len(f)), "number"),
        (lambda f, rng: np.where(f["y"] == 1, np.nan, rng.normal(0, 1, len(f))), "number"),
        (
            lambda f, rng: np.where(f["y"] == 1, rng.choice(["x", "z"], len(f)), rng.choice(["w", "y"], len(f))),
            "text",
        ),
        (lambda f, _: pd.to_datetime("2024-01-01") + pd.to_timedelta(f["y"], "D"), "datetime"),
        (lambda f, rng: rng.choice([-1, 1], len(f)) * (f["y"] + 1.0) + rng.normal(0, 0.1, len(f)), "number"),
    ],
)
def test_a_feature_that_gives_the_label_away_voids_the_number(leak, kind):
    frame = applications(1500).drop(columns=["region", "sex"])
    frame["settled"] = leak(frame, np.random.default_rng(0))
    features = (*features_of(applications(100), "y", "region", "sex"), Feature("settled", kind))
    train, test = halves(frame)
    declared = declaration(features=features, floor=Floor("roc_auc", 0.5))
    found = CHECK.measure(declared, training(train), holdout(test), answered(None, test["y"]), NOTHING)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "the feature settled alone gives the label away (ROC area" in judgement.reason
    assert "income" not in judgement.reason
    assert judged(CHECK, found, max_single_auc=1.0).verdict is Verdict.PASS


def test_a_strong_honest_feature_is_not_a_leak():
    strongest, *_ = stored(measured(tumours(), 0.5))["revealing"]
    assert strongest["feature"].startswith("worst_")
    assert 0.93 < strongest["low"] < strongest["score"] < 0.99


def test_an_identifier_in_text_does_not_reveal_labels_by_heart():
    frame = applications(1000).assign(name=lambda f: [f"person {i}" for i in range(len(f))])
    train, test = halves(frame)
    declared = declaration(features=(Feature("name", "text"),))
    [name] = revealing_features(
        declared, training(train), labelled(declared, holdout(test), answered(None, test["y"]))
    )
    assert name["score"] == pytest.approx(0.5)


def test_regressions_leak_by_rank():
    frame = diabetes()
    frame["billed"] = np.exp(frame["y"] / 50) * (1 + 1e-6 * np.arange(len(frame)))
    judgement = judged(CHECK, measured(frame, 100, task=Task.REGRESSION, metric="mae"))
    assert judgement.verdict is Verdict.FAIL
    assert "the feature billed alone gives the label away (rank correlation 1.0000, credibly above 0.999)" in (
        judgement.reason
    )
    sources = frame.assign(billed=[f"b{i:.0f}" for i in frame["y"]]).astype({"billed": str})
    train, test = halves(sources)
    declared = declaration(features=(Feature("billed", "category"),), task=Task.REGRESSION)
    rows = labelled(declared, holdout(test), Predictions(test["y"].to_numpy()))
    [billed] = revealing_features(declared, training(train), rows)
    assert 0.5 < billed["low"] < billed["score"]


# --- the floor -----------------------------------------------------------------------------------


def values(quality=(0.8, 0.76, 0.84), floor=0.7, *earlier, metric="accuracy"):
    """Measured values that are sound; ``earlier``: (version, serving, quality, lead, error of the lead)."""
    estimate, low, high = quality
    compared = [
        {"version": version, "serving": serves, "quality": other, "standard_error": error}
        | {"difference": {"estimate": lead, "low": lead - 1.96 * error, "high": lead + 1.96 * error}}
        for version, serves, other, lead, error in earlier
    ]
    counts = {"training_rows": 900, "training_twins": 0, "rows": 400, "twins": 0, "shared": 0, "shared_ids": None}
    return {
        "task": "binary",
        "metric": metric,
        "floor": floor,
        "rows": 400,
        "unlabelled": 0,
        "overlap": counts,
        "revealing": [{"feature": "x", "score": 0.9, "low": 0.85}],
        "quality": {"estimate": estimate, "low": low, "high": high},
        "earlier": compared,
        "skipped": [],
    }


def verdict(measured_values, **thresholds):
    return CHECK.judge(measured_values, {**CHECK.thresholds, **thresholds}).verdict


def test_the_floor_is_crossed_by_the_whole_interval_only():
    assert verdict(values(floor=0.8401)) is Verdict.FAIL
    assert verdict(values(floor=0.8399)) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.8001)) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.7999)) is Verdict.PASS
    assert verdict(values(floor=0.7999), require_proof=True) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.7599), require_proof=True) is Verdict.PASS


def test_a_loss_has_its_floor_the_other_way_round():
    loss = (-0.4, -0.44, -0.36)
    assert verdict(values(loss, 0.3599, metric="log_loss")) is Verdict.FAIL
    assert verdict(values(loss, 0.39, metric="log_loss")) is Verdict.INCONCLUSIVE
    assert verdict(values(loss, 0.4401, metric="log_loss"), require_proof=True) is Verdict.PASS


def test_what_is_left_open_names_the_rows_that_would_settle_it():
    below = CHECK.judge(values(floor=0.82), CHECK.thresholds)
    assert "is not proven to keep to the floor 0.82" in below.reason
    assert "about 1600 labelled rows would settle it" in below.remedy
    above = CHECK.judge(values(floor=0.78), CHECK.thresholds)
    assert "is not proven to keep to the floor 0.78, nor to break it" in above.reason


def test_too_few_rows_are_inconclusive_and_name_the_number():
    short = {**values(floor=0.9), "rows": 99}
    judgement = CHECK.judge(short, CHECK.thresholds)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 labelled rows; 100 are needed" in judgement.reason
    assert verdict({**short, "rows": 100}) is Verdict.FAIL
    frame = tumours()
    tiny = measured(frame, 0.5, train=frame.iloc[:540], test=frame.iloc[540:].reset_index(drop=True))
    assert judged(CHECK, tiny).verdict is Verdict.INCONCLUSIVE
    require_storable(tiny)


def test_a_floor_must_be_declared():
    frame = tumours()
    declared = declaration(features=features_of(frame, "y"))
    with pytest.raises(Missing, match="a quality floor") as missing:
        CHECK.measure(declared, training(frame), holdout(frame), answered(None, frame["y"]), NOTHING)
    assert "quality.floor" in missing.value.how


# --- earlier versions ----------------------------------------------------------------------------


def compared(strengths, serving_strength=None, rows=2500, seed=0):
    """A version against earlier ones (newest first) whose scores share the noise and differ in strength."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(0, 1, 2 * rows), "y": rng.integers(0, 2, 2 * rows)})
    train, test = frame.iloc[:rows], frame.iloc[rows:].reset_index(drop=True)
    declared = declaration(features=(Feature("x", "number"),), floor=Floor("roc_auc", 0.5))
    this, *others = (scored(test["y"], strength, np.random.default_rng(1)) for strength in strengths)
    earlier = EarlierVersions(tuple(Rescored(f"1.{9 - i}", one) for i, one in enumerate(others)))
    if serving_strength is not None:
        incumbent = Rescored("1.0", scored(test["y"], serving_strength, np.random.default_rng(1)))
        earlier = replace(earlier, incumbent=incumbent)
    return CHECK.measure(declared, training(train), holdout(test), this, earlier)


def test_a_version_credibly_worse_than_the_serving_one_fails():
    found = compared([1.4], serving_strength=1.6)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "credibly worse than the serving version by more than 1.0%: 1.0 with 0.8" in judgement.reason
    require_storable(found)
    assert judged(CHECK, found, max_drop=0.1, max_leak=0.1).verdict is Verdict.PASS
    better = judged(CHECK, compared([1.6], serving_strength=1.4), require_proof=True)
    assert better.verdict is Verdict.PASS
    assert "as good as the serving version 1.0" in better.reason


def test_a_slow_leak_fails_though_no_step_is_credible():
    found = compared([1.40, 1.44, 1.48, 1.52, 1.56, 1.60], serving_strength=1.44)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "has leaked credibly more than 2.0% since" in judgement.reason
    assert "1.5 with 0.8" in judgement.reason
    assert "serving version" not in judgement.reason
    steady = judged(CHECK, compared([1.40, 1.41, 1.40, 1.39, 1.40, 1.41], serving_strength=1.41))
    assert steady.verdict is Verdict.PASS
    assert "No leak is credible over 6 earlier versions" in steady.reason


@pytest.mark.parametrize(
    ("earlier", "proof", "expected"),
    [
        ([("1.0", True, 0.8, -0.0277, 0.01)], False, Verdict.FAIL),  # high -0.0081, margin 0.008
        ([("1.0", True, 0.8, -0.0275, 0.01)], False, Verdict.PASS),
        ([("1.0", True, 0.8, 0.0115, 0.01)], True, Verdict.INCONCLUSIVE),  # low -0.0081
        ([("1.0", True, 0.8, 0.0117, 0.01)], True, Verdict.PASS),
        ([("1.0", False, 0.8, -0.0325, 0.01)], False, Verdict.FAIL),  # 0.016 + 1.645 * 0.01
        ([("1.0", False, 0.8, -0.0324, 0.01)], False, Verdict.PASS),
        ([("1.0", False, 0.8, -0.0325, 0.01), ("0.9", False, 0.8, 0.0, 0.01)], False, Verdict.PASS),  # corrected
        ([("1.0", False, 0.8, -0.0357, 0.01), ("0.9", False, 0.8, 0.0, 0.01)], False, Verdict.FAIL),
    ],
)
def test_boundaries_against_earlier_versions(earlier, proof, expected):
    assert verdict(values((0.8, 0.76, 0.84), 0.7, *earlier), require_proof=proof) is expected


def test_margins_of_losses_are_shares_of_their_size():
    worse = ("1.0", True, -40.0, -1.0, 0.1)  # 0.4 is allowed
    assert verdict(values((-41, -42, -40), 50, worse, metric="mae")) is Verdict.FAIL
    assert verdict(values((-41, -42, -40), 50, ("1.0", True, -40.0, -0.5, 0.1), metric="mae")) is Verdict.PASS


def test_versions_that_cannot_be_compared_are_named():
    frame = tumours()
    _, test = halves(frame)
    bare = Predictions(test["y"].to_numpy())
    silent = answered(None, np.where(np.arange(len(test)) < 3, np.nan, test["y"]))
    earlier = replace(serving("0.9", bare, ("0.8", silent)), skipped=("0.7: its artifact is gone",))
    found = measured(frame, 0.9, earlier=earlier)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.PASS
    assert "No serving version was compared" in judgement.reason
    assert "Not compared: 0.7: its artifact is gone; 0.9: needs class probabilities" in judgement.reason
    assert "0.8: needs a finite prediction for 3 of 285 rows" in judgement.reason


def test_the_same_audit_twice_is_identical_and_judged_alike_from_the_database():
    first, second = (compared([1.4, 1.5], serving_strength=1.6) for _ in range(2))
    assert first == second
    assert CHECK.judge(stored(first), CHECK.thresholds) == judged(CHECK, first)
