"""Well-typed models whose contents lead compiled code out of bounds: refused, where others would fall."""

import io
import signal
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.security import artifacts


def tampered(name, change):
    """The model's file with every array of tree nodes changed."""
    parts = artifacts.members(artifacts.skops_bytes(name))
    for member, content in parts.items():
        header = content[:300]
        if member.endswith(".npy") and (b"left_child" in header or b"feature_idx" in header):
            parts[member] = change(content)
    return artifacts.zipped(parts)


def set_field(field, value, row=0):
    def change(content):
        length = 10 + struct.unpack("<H", content[8:10])[0]
        nodes = np.load(io.BytesIO(content)).copy()
        nodes[field][row] = value
        return content[:length] + nodes.tobytes()

    return change


TREE_ATTACKS = [
    (forest, field, value)
    for forest in ("forest", "boosting", "regression")
    for field, value in [
        ("left_child", 10**9),
        ("right_child", 10**6),
        ("left_child", -5),
        ("right_child", 0),
        ("feature", 10**7),
        ("feature", -3),
    ]
] + [
    ("histogram", field, value)
    for field, value in [("left", 10**8), ("right", 0), ("feature_idx", 10**9), ("feature_idx", -1)]
]


@pytest.mark.parametrize(("forest", "field", "value"), TREE_ATTACKS)
def test_a_tree_that_leads_out_of_itself_is_refused(forest, field, value, tmp_path, reader):
    path = artifacts.write(tmp_path / "model.skops", tampered(forest, set_field(field, value)))
    answer = reader.examine(path)
    assert answer["outcome"] == "refused"
    assert answer["detail"] == "model.skops: the model is damaged: its tree is inconsistent; save it again"


@pytest.mark.parametrize(("forest", "field"), [("forest", "left_child"), ("histogram", "left")])
def test_such_a_tree_kills_who_follows_it(forest, field, tmp_path):
    """Positive control: without our look at its contents the same file takes the process down."""
    path = artifacts.write(tmp_path / "model.skops", tampered(forest, set_field(field, 10**9)))
    code = (
        "import sys, numpy, skops.io; from app.engines.skops_types import trusted;"
        f"skops.io.load(sys.argv[1], trusted=trusted()).predict(numpy.zeros((9, {artifacts.WIDTH})))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGSEGV


def test_a_histogram_tree_with_foreign_sets_of_categories_is_refused(tmp_path, reader):
    path = artifacts.write(tmp_path / "model.skops", tampered("histogram", set_field("is_categorical", 1)))
    assert "sets of categories is inconsistent" in reader.examine(path)["detail"]


def saved(model, tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    return path


def narrow_and_wide():
    """(n, 6) and (n, 12) features with the same labels."""
    narrow, y = artifacts.data()
    return narrow, np.column_stack([narrow, narrow]), y


@pytest.mark.parametrize("kind", [RandomForestClassifier, GradientBoostingClassifier])
def test_a_tree_that_asks_for_more_features_than_its_forest_has_is_refused(kind, tmp_path, reader):
    """Each tree is in order by itself; the forest hands it rows that are too short."""
    narrow, wide, y = narrow_and_wide()
    model = kind(n_estimators=2, random_state=0).fit(narrow, y)
    assert reader.examine(saved(model, tmp_path))["outcome"] == "predicted"
    model.estimators_ = kind(n_estimators=2, random_state=0).fit(wide, y).estimators_
    assert "its tree is inconsistent" in reader.examine(saved(model, tmp_path))["detail"]


def test_boosting_with_more_trees_a_round_than_it_has_room_for_is_refused(tmp_path, reader):
    narrow, _, y = narrow_and_wide()
    model = GradientBoostingClassifier(n_estimators=2).fit(narrow, y)
    model.estimators_ = np.column_stack([model.estimators_] * 5)
    assert "series of trees is inconsistent" in reader.examine(saved(model, tmp_path))["detail"]


def test_a_category_split_on_a_column_of_numbers_is_refused(tmp_path, reader):
    rows = narrow_and_wide()[0].copy()
    rows[:, 0] = np.arange(len(rows)) % 7
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(rows, rows[:, 0] % 2)
    assert reader.examine(saved(model, tmp_path))["outcome"] in {"predicted", "failed"}
    nodes = model._predictors[0][0].nodes
    assert nodes["is_categorical"].any()
    nodes["feature_idx"][nodes["is_categorical"] == 1] = 3
    assert "sets of categories is inconsistent" in reader.examine(saved(model, tmp_path))["detail"]


def test_neighbours_with_labels_beyond_their_classes_are_refused(tmp_path, reader):
    narrow, _, y = narrow_and_wide()
    model = KNeighborsClassifier().fit(narrow, y)
    model._y = model._y + 1000
    assert "set of neighbours is inconsistent" in reader.examine(saved(model, tmp_path))["detail"]


def test_untouched_trees_are_accepted_and_predict(tmp_path, reader):
    """Positive control."""
    for name, model in artifacts.models().items():
        answer = reader.examine(artifacts.write(tmp_path / "model.skops", artifacts.skops_bytes(name)))
        assert answer["outcome"] == "predicted", name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = np.random.default_rng(28).normal(size=(64, artifacts.WIDTH)) * 10
            assert answer["detail"] == model.predict(rows).tolist(), name


def test_a_vectorizer_that_would_read_files_is_refused(tmp_path, reader):
    """``input="filename"`` makes of a data row the name of a file of the server."""
    texts = ["good text", "bad text"] * 5
    honest = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [1, 0] * 5)
    path = tmp_path / "model.skops"
    skops.io.dump(honest, path)
    assert reader.examine(path)["outcome"] != "refused"
    honest.steps[0][1].input = "filename"
    skops.io.dump(honest, path)
    assert "its text input is inconsistent" in reader.examine(path)["detail"]


def test_what_is_no_predictor_is_refused(tmp_path, reader):
    path = tmp_path / "model.skops"
    for thing, words in [
        (FunctionTransformer(np.log1p), "neither a classifier nor a regressor"),
        ({"a": 1}, "neither a classifier nor a regressor"),
        (LogisticRegression(), "not fitted"),
    ]:
        skops.io.dump(thing, path)
        assert words in reader.examine(path)["detail"]
