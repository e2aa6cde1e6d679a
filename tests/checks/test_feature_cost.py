"""DATA-3 on models whose features cost and gain what is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from checks.contract import Verdict
from checks.data.feature_cost import FeatureCost
from checks.evidence import Acceptances, Feature, Predictions
from checks.methods.costs import computing
from checks.methods.importance import Benefit, FeatureGains, feature_gains
from tests.checks.planted import SklearnPredictor, declaration, fitted, halves, holdout, judged, require_storable

CHECK = FeatureCost()
FEATURES = (Feature("useful", "number", cost=0.0), Feature("idle", "number", cost=0.0))


class Silent:
    """Answers at once and says nothing of its inputs."""

    def predict(self, frame):
        return Predictions(np.zeros(len(frame)))

    def transformed(self, _):
        return None


def planted(gains=((0.2, 0.01), (0.0, 0.0001)), rows=500, features=FEATURES, accepted=None):
    """A measurement of these features with these gains and errors, and no cost in computing."""
    names = [feature.name for feature in features]
    frame = pd.DataFrame(0.0, index=range(rows), columns=names)
    clusters = tuple(Benefit([name], *one, 1.0) for name, one in zip(names, gains, strict=True))
    measurement = CHECK.measure(
        declaration(features=features), FeatureGains("roc_auc", clusters, frame), Silent(), accepted
    )
    require_storable(measurement)
    return measurement


def clusters_of(measurement):
    values = measurement.values  # noqa: PD011 - not a frame's
    return values["clusters"]


def costing(name, **changes):
    return tuple(replace(one, **changes) if one.name == name else one for one in FEATURES)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cost": 0.35}, "idle gains at most 0.0002 and is 100% of the declared cost (limit 10%)"),
        ({"upstream": ("a", "b", "c", "d")}, "depends on 4 upstream systems (limit 3)"),
    ],
)
def test_what_costs_and_gains_nothing_fails_and_what_gains_does_not(changes, told):
    judgement = judged(CHECK, planted(features=costing("idle", **changes)))
    assert judgement.verdict is Verdict.FAIL
    assert told in judgement.reason
    assert "useful" not in judgement.reason
    judgement = judged(CHECK, planted(features=costing("useful", **changes)))
    assert judgement.verdict is Verdict.PASS
    assert "Costly and credibly useful: useful." in judgement.reason


def test_without_cost_a_gainless_feature_is_none_of_this_tests_business():
    judgement = judged(CHECK, planted())
    assert (judgement.verdict, judgement.remedy) == (Verdict.PASS, "")
    assert judgement.reason == "None of 2 clusters is costly and without gain."


@pytest.mark.parametrize(
    ("changes", "limit", "expected"),
    [
        ({"upstream": ("a", "b", "c")}, {}, Verdict.PASS),
        ({"upstream": ("a", "b", "c")}, {"max_upstream": 2}, Verdict.FAIL),
        ({"cost": 1.0}, {"max_cost_share": 0.99}, Verdict.FAIL),
        ({"cost": 1.0}, {"max_cost_share": 1.0}, Verdict.PASS),
        ({"cost": 1.0}, {"min_gain": 0.0001}, Verdict.PASS),  # its upper bound is 0.0002
    ],
)
def test_limits_are_the_policys(changes, limit, expected):
    assert judged(CHECK, planted(features=costing("idle", **changes)), **limit).verdict is expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("bytes", 1000, Verdict.PASS),
        ("bytes", 1001, Verdict.FAIL),
        ("time_share", 0.25, Verdict.PASS),
        ("time_share", 0.5, Verdict.FAIL),
    ],
)
def test_memory_and_time_count_from_their_limits_on(key, value, expected):
    measurement = planted()
    clusters_of(measurement)[1][key] = value
    assert judged(CHECK, measurement).verdict is expected


def test_a_costly_feature_whose_gain_is_open_passes_and_is_named():
    judgement = judged(CHECK, planted(gains=((0.2, 0.01), (0.0, 0.01)), features=costing("idle", cost=1.0)))
    assert judgement.verdict is Verdict.PASS
    assert "a gain neither proven nor excluded: idle is 100%" in judgement.reason


def test_a_costly_feature_that_two_people_accept_is_named_and_fails_nothing():
    accepted = Acceptances({"DATA-3": {"idle": "2027-01-31"}})
    judgement = judged(CHECK, planted(features=costing("idle", cost=1.0), accepted=accepted))
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason.endswith("Accepted by two people: idle (until 2027-01-31).")
    other = Acceptances({"DATA-2": {"idle": "2027-01-31"}, "DATA-3": {"useful": "2027-01-31"}})
    assert judged(CHECK, planted(features=costing("idle", cost=1.0), accepted=other)).verdict is Verdict.FAIL


def test_a_harmful_feature_that_costs_fails():
    measurement = planted(gains=((0.2, 0.01), (-0.1, 0.01)), features=costing("idle", cost=1.0))
    assert judged(CHECK, measurement).verdict is Verdict.FAIL


def test_without_any_declared_cost_or_source_it_is_inconclusive_and_says_what_to_declare():
    bare = tuple(replace(one, cost=None) for one in FEATURES)
    judgement = judged(CHECK, planted(features=bare))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "`cost` and `upstream`" in judgement.remedy
    assert judged(CHECK, planted(features=(replace(bare[0], upstream=("a",)), bare[1]))).verdict is Verdict.PASS


@pytest.mark.parametrize(("rows", "expected"), [(99, Verdict.INCONCLUSIVE), (100, Verdict.PASS)])
def test_few_rows_are_inconclusive_and_the_number_needed_is_named(rows, expected):
    judgement = judged(CHECK, planted(rows=rows))
    assert judgement.verdict is expected
    assert ("99 labelled rows; 100 are needed" in judgement.reason) == (rows == 99)


def test_where_no_gain_can_be_told_from_nothing_it_is_inconclusive():
    judgement = judged(CHECK, planted(gains=((0.01, 0.1), (0.0, 0.1))))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "none of 2 clusters" in judgement.reason


# --- computing, on real models --------------------------------------------------------------------------


def clinics(rows=2000, kinds=300):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": rng.normal(50, 10, rows), "clinic": rng.permutation([f"c{i % kinds}" for i in range(rows)])}
    )
    return frame.assign(y=(frame["age"] + rng.normal(0, 5, rows) > 50).astype(int))


def model(*steps):
    return make_pipeline(make_column_transformer(*steps, sparse_threshold=0), LogisticRegression())


def measured(frame, estimator, *features):
    declared = declaration(features=features)
    train, test = halves(frame)
    predictor = fitted(estimator, declared, train)
    transformed = estimator[:-1].transform
    predictor.transformed = lambda rows: np.asarray(transformed(rows[declared.feature_names]))
    measurement = CHECK.measure(declared, feature_gains(declared, holdout(test), predictor), predictor)
    require_storable(measurement)
    return measurement


def test_a_useless_column_of_many_categories_fails_for_the_memory_that_it_takes():
    steps = ((StandardScaler(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["clinic"]))
    found = measured(clinics(), model(*steps), Feature("age", "number", cost=0.0), Feature("clinic", "category"))
    columns = {one["features"][0]: one["columns"] for one in clusters_of(found)}
    assert columns["age"] == 1
    assert 280 < columns["clinic"] <= 300
    judgement = judged(CHECK, found, min_gain=0.01)
    assert judgement.verdict is Verdict.FAIL
    assert "clinic gains at most" in judgement.reason
    assert "bytes (limit 1,000)" in judgement.reason


def test_columns_that_move_with_several_features_are_divided_among_them():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(0, 1, (500, 4)), columns=list("abcd"))
    estimator = make_pipeline(PCA(3), LogisticRegression()).fit(frame, frame["a"] > 0)
    predictor = SklearnPredictor(estimator, declaration(features=tuple(Feature(n, "number") for n in "abcd")))
    predictor.transformed = estimator[:-1].transform
    found, total = computing([["a"], ["b"], ["c", "d"]], frame, predictor)
    assert [one.columns for one in found] == [1, 1, 1]
    assert [one.bytes for one in found] == [16, 16, 24]
    assert total == 56


class Reading:
    """A model that takes its time for every letter of ``note``, and tells nothing of its inputs."""

    def predict(self, frame):
        scores = [sum(ord(letter) % 7 for letter in note) for note in frame["note"]]
        return Predictions(np.asarray(scores) > 0)

    def transformed(self, _):
        return None


def test_time_that_the_values_of_a_feature_cost_is_found_and_the_same_each_time():
    frame = pd.DataFrame({"note": ["lengthy words " * 40] * 1000, "age": np.arange(1000.0)})
    for _ in range(3):
        found, _ = computing([["note"], ["age"]], frame, Reading(), ["note"])
        assert [one.time_share for one in found] == [0.75, 0.0]


def test_a_real_vectorizer_takes_the_time_and_the_memory():
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(500)])
    frame = clinics(1000).assign(note=[" ".join(rng.choice(words, 200)) for _ in range(1000)])
    steps = ((StandardScaler(), ["age"]), (HashingVectorizer(n_features=2000), "note"))
    found = measured(frame, model(*steps), Feature("age", "number", cost=0.0), Feature("note", "text"))
    note = next(one for one in clusters_of(found) if one["features"] == ["note"])
    assert note["time_share"] >= 0.5
    assert note["bytes"] > 4000
    assert "of the time" in judged(CHECK, found, max_bytes=10**6).reason


def test_the_same_audit_twice_is_identical():
    steps = ((StandardScaler(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["clinic"]))
    features = (Feature("age", "number"), Feature("clinic", "category"))
    assert measured(clinics(), model(*steps), *features) == measured(clinics(), model(*steps), *features)
