"""What voids a holdout's number: rows that were trained on, features that give the label away."""

import numpy as np
import pandas as pd
import pytest

from checks.contract import Verdict
from checks.evidence import EarlierVersions, Feature, Floor, Predictions, Task
from checks.infra.quality_validation import QualityValidation
from checks.methods.cohorts import labelled
from checks.methods.leakage import credible_overlap, overlap, revealing_features
from tests.checks.planted import (
    applications,
    declaration,
    diabetes,
    features_of,
    halves,
    holdout,
    judged,
    training,
    tumours,
)
from tests.checks.planted_models import answered, stored, validated

CHECK = QualityValidation()
NOTHING = EarlierVersions()


def test_holdout_rows_that_were_trained_on_void_the_number():
    train, test = halves(tumours())
    leaky = pd.concat([test.iloc[40:], train.sample(40, random_state=0)], ignore_index=True)
    found = validated(tumours(), 0.5, train=train, test=leaky)
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
    found = validated(tumours(), 0.5, train=train, test=pd.concat([test, copies], ignore_index=True))
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


def test_a_small_holdout_meets_more_twins_in_large_training_data_than_in_itself():
    frames = [coarse(4400, 20_000, seed) for seed in range(20)]
    counts = [overlapping(frame.iloc[:4000], frame.iloc[4000:].reset_index(drop=True)) for frame in frames]
    assert np.mean([one["shared"] for one in counts]) > 30
    assert sum(credible_overlap(one) > 0.01 for one in counts) <= 1


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
    found = validated(frame, 0.5, train=train, test=test, features=features, id_column="case")
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "10 of 285 holdout ids are also in the training data" in judgement.reason
    assert judged(CHECK, found, max_overlap=10 / 285).verdict is Verdict.PASS
    persons = train.assign(case="one person")
    repeated = validated(frame, 0.5, train=persons, test=test, features=features, id_column="case")
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
    strongest, *_ = stored(validated(tumours(), 0.5))["revealing"]
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
    judgement = judged(CHECK, validated(frame, 100, task=Task.REGRESSION, metric="mae"))
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
