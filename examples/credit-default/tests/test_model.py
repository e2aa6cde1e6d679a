"""Unit tests of the model's specification. ``assay`` tags tell which kind a case is."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.metrics import log_loss

from generate import generate, split
from model import CATEGORIES, FEATURES, LABEL, NUMBERS, build


@pytest.fixture(scope="module")
def train():
    return split(generate(rows=8_000, seed=7))[0]


@pytest.fixture(scope="module")
def fitted(train):
    return build(max_iter=30).fit(train[FEATURES], train[LABEL])


def random_applications(rows):
    """Any number, any category, one cell in five missing, and a category that training never saw."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(0, 1e4, (rows, len(NUMBERS))), columns=NUMBERS)
    for name, values in CATEGORIES.items():
        frame[name] = rng.choice(np.array([*values, "never seen"], dtype=object), rows)
    return frame.mask(rng.random(frame.shape) < 0.2, None)


def test_any_application_gets_a_probability(fitted, record_property):
    record_property("assay", "random_input")
    chances = fitted.predict_proba(random_applications(300)[FEATURES])
    assert np.isfinite(chances).all()
    assert np.allclose(chances.sum(axis=1), 1)


def test_loss_falls_with_the_first_rounds(train, record_property):
    record_property("assay", "loss_decreases")
    after = [
        log_loss(
            train[LABEL], build(max_iter=rounds).fit(train[FEATURES], train[LABEL]).predict_proba(train[FEATURES])
        )
        for rounds in (1, 5, 20)
    ]
    assert after[0] > after[1] > after[2]


def test_can_learn_thirty_loans_by_heart(train, record_property):
    record_property("assay", "overfits_tiny")
    tiny = pd.concat([rows.head(15) for _, rows in train.groupby(LABEL)])
    model = build(max_iter=200, min_samples_leaf=1, l2_regularization=0.0).set_params(learn__early_stopping=False)
    assert model.fit(tiny[FEATURES], tiny[LABEL]).score(tiny[FEATURES], tiny[LABEL]) == 1.0


def test_predicts_the_same_after_saving_and_loading(fitted, train, record_property):
    record_property("assay", "save_load")
    stored = skops.io.dumps(fitted)
    loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    assert np.array_equal(loaded.predict_proba(train[FEATURES]), fitted.predict_proba(train[FEATURES]))


def test_protected_columns_stay_out():
    assert not {"sex", "age", "age_group", "person_id", "label_at"} & set(FEATURES)
