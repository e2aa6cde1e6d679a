"""Unit tests of both specifications. ``assay`` tags tell which kind a case is."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.metrics import mean_squared_error

from data import FEATURES, LABEL, load, split
from model import ridge, tree


@pytest.fixture(scope="module")
def train():
    return split(load())[0]


def loss(model, rows):
    return mean_squared_error(rows[LABEL], model.fit(rows[FEATURES], rows[LABEL]).predict(rows[FEATURES]))


@pytest.mark.parametrize("build", [ridge, tree])
def test_any_patient_gets_a_prediction(build, train, record_property):
    record_property("assay", "random_input")
    model = build().fit(train[FEATURES], train[LABEL])
    patients = pd.DataFrame(np.random.default_rng(7).normal(0, 1e3, (300, len(FEATURES))), columns=FEATURES)
    assert np.isfinite(model.predict(patients)).all()


def test_ridge_loss_falls_with_the_first_iterations(train, record_property):
    record_property("assay", "loss_decreases")
    few = [loss(ridge(alpha=1.0, solver="lsqr", max_iter=steps), train) for steps in (1, 2, 4)]
    assert train[LABEL].var(ddof=0) > few[0] > few[1] > few[2]


def test_tree_loss_falls_with_the_first_levels(train, record_property):
    record_property("assay", "loss_decreases")
    few = [loss(tree(max_depth=depth), train) for depth in (1, 2, 4)]
    assert train[LABEL].var(ddof=0) > few[0] > few[1] > few[2]


@pytest.mark.parametrize("model", [ridge(alpha=1e-9), tree()], ids=["ridge", "tree"])
def test_can_learn_five_patients_by_heart(model, train, record_property):
    record_property("assay", "overfits_tiny")
    assert loss(model, train.head(5)) < 1e-6


@pytest.mark.parametrize("build", [ridge, tree])
def test_predicts_the_same_after_saving_and_loading(build, train, record_property):
    record_property("assay", "save_load")
    model = build().fit(train[FEATURES], train[LABEL])
    stored = skops.io.dumps(model)
    loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    assert np.array_equal(loaded.predict(train[FEATURES]), model.predict(train[FEATURES]))


def test_the_split_shares_no_patient_and_leaves_a_hundred_of_each_sex():
    train, test = split(load())
    assert not set(train["row"]) & set(test["row"])
    assert test["sex"].value_counts().min() >= 100
    assert test["age_group"].value_counts().min() >= 100
