"""Unit tests of the model's specification, for every recipe. ``assay`` tags tell which kind a case is."""

import warnings

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from data import FEATURES, LABEL, load, split
from model import as_onnx, build
from train import RECIPES


@pytest.fixture(scope="module")
def train():
    return split(load())[0]


@pytest.fixture(params=RECIPES)
def tunables(request):
    return RECIPES[request.param].tunables


def test_any_measurements_get_a_probability(train, tunables, record_property):
    record_property("assay", "random_input")
    model = build(**tunables).fit(train[FEATURES], train[LABEL])
    measured = pd.DataFrame(np.random.default_rng(7).normal(0, 1e3, (300, len(FEATURES))), columns=FEATURES)
    chances = model.predict_proba(measured)
    assert np.isfinite(chances).all()
    assert np.allclose(chances.sum(axis=1), 1)


def test_loss_falls_with_the_first_iterations(train, tunables, record_property):
    record_property("assay", "loss_decreases")
    after = []
    for iterations in (1, 2, 4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is the point
            model = build(**tunables, max_iter=iterations).fit(train[FEATURES], train[LABEL])
        after.append(log_loss(train[LABEL], model.predict_proba(train[FEATURES])))
    assert np.log(2) > after[0] > after[1] > after[2]


def test_can_learn_six_biopsies_by_heart(train, tunables, record_property):
    record_property("assay", "overfits_tiny")
    tiny = pd.concat([rows.head(3) for _, rows in train.groupby(LABEL)])
    model = build(**tunables | {"C": 1e6}, max_iter=1_000).fit(tiny[FEATURES], tiny[LABEL])
    assert log_loss(tiny[LABEL], model.predict_proba(tiny[FEATURES])) < 1e-3


def test_predicts_the_same_after_saving_and_loading(train, tunables, record_property):
    record_property("assay", "save_load")
    model = build(**tunables).fit(train[FEATURES], train[LABEL])
    loaded = skops.io.loads(skops.io.dumps(model))
    assert np.array_equal(loaded.predict_proba(train[FEATURES]), model.predict_proba(train[FEATURES]))


def test_predicts_the_same_as_onnx(train, tunables, record_property):
    record_property("assay", "save_load")
    model = build(**tunables).fit(train[FEATURES], train[LABEL])
    session = onnxruntime.InferenceSession(as_onnx(model))
    label, chances = session.run(None, {"X": train[FEATURES].to_numpy(np.float32)})
    assert np.array_equal(label, model.predict(train[FEATURES]))
    assert np.allclose(chances, model.predict_proba(train[FEATURES]), atol=1e-5)


def test_the_split_shares_no_biopsy():
    train, test = split(load())
    assert len(train) + len(test) == 569
    assert not set(train["row"]) & set(test["row"])
