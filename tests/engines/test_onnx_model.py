"""The same models exported to ONNX predict alike, whichever way inputs go in and probabilities come out."""

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from app.engines import models, onnx_model
from checks.contract import Missing
from checks.evidence import Task
from tests.engines import fitted

NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
CLASSIFIERS = {
    "linear": LogisticRegression(max_iter=500),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(5, random_state=0),
    "network": MLPClassifier((5,), solver="lbfgs", alpha=0.1, max_iter=5000, random_state=0),
    "bayes": GaussianNB(),
    "neighbours": KNeighborsClassifier(),
}
FINAL = {"linear": "LinearClassifier", "scaled": "LinearClassifier", "forest": "TreeEnsembleClassifier"}


def iris(kind):
    x, y = load_iris(return_X_y=True)
    labels = {"numbers": y, "names": np.array(["a", "b", "c"])[y], "two": y % 2}[kind]
    return x.astype(np.float32), labels


def saved(proto, folder):
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def load(proto, folder, names=NAMES, task=Task.MULTICLASS):
    return models.load(saved(proto, folder), "onnx", fitted.declared(names, task))


@pytest.mark.parametrize("kind", ["numbers", "names", "two"])
@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_predict_like_scikit_learn(name, zipmap, kind, tmp_path):
    x, y = iris(kind)
    model = CLASSIFIERS[name].fit(x, y)
    proto = to_onnx(model, x[:1], options={"zipmap": zipmap})
    predicted = load(proto, tmp_path).predict(pd.DataFrame(x, columns=NAMES))
    assert predicted.classes == tuple(model.classes_.tolist())
    np.testing.assert_array_equal(predicted.label, model.predict(x))
    np.testing.assert_allclose(predicted.proba, model.predict_proba(x), rtol=0, atol=1e-5)
    facts = models.facts(tmp_path / "model.onnx", "onnx")
    assert facts == {
        "model_class": FINAL.get(name, "onnx"),
        "classes": model.classes_.tolist(),
        "feature_names": None,
        "n_features": 4,
    }


@pytest.mark.parametrize(
    ("model", "final"),
    [(Ridge(), "LinearRegressor"), (GradientBoostingRegressor(n_estimators=5), "TreeEnsembleRegressor")],
)
def test_regressors_predict_like_scikit_learn_and_like_skops(model, final, tmp_path):
    rows, y = load_diabetes(return_X_y=True, as_frame=True)
    rows = rows.astype(np.float32)
    model.fit(rows, y)
    predictor = load(to_onnx(model, rows[:1].to_numpy()), tmp_path, rows.columns, Task.REGRESSION)
    predicted = predictor.predict(rows)
    twin = models.load(fitted.saved(model, tmp_path), "skops", fitted.declared(rows.columns, Task.REGRESSION))
    np.testing.assert_allclose(predicted.label, model.predict(rows), rtol=1e-4)
    np.testing.assert_allclose(predicted.label, twin.predict(rows).label, rtol=1e-4)
    assert (predicted.proba, predicted.classes) == (None, ())
    assert models.facts(tmp_path / "model.onnx", "onnx")["model_class"] == final
    assert predictor.transformed(rows) is None


TYPES = [
    ("income", FloatTensorType([None, 1])),
    ("region", StringTensorType([None, 1])),
    ("member", Int64TensorType([None, 1])),
    ("visits", Int64TensorType([None, 1])),
]


@pytest.fixture
def mixed(tmp_path):
    """A pipeline with an input for each column of any type: the model, its predictor, its rows."""
    rows = fitted.frame().fillna({"income": 0.0}).astype({"income": np.float32})
    columns = [
        ("numbers", StandardScaler(), ["income", "visits"]),
        ("others", OneHotEncoder(), ["region", "member"]),
    ]
    model = make_pipeline(ColumnTransformer(columns), LogisticRegression()).fit(rows, fitted.labels())
    return model, load(to_onnx(model, initial_types=TYPES), tmp_path, rows.columns, Task.BINARY), rows


def test_one_input_a_column(mixed, tmp_path):
    model, predictor, rows = mixed
    predicted = predictor.predict(rows[rows.columns[::-1]])
    np.testing.assert_allclose(predicted.proba, model.predict_proba(rows), rtol=0, atol=1e-5)
    facts = models.facts(tmp_path / "model.onnx", "onnx")
    assert (facts["feature_names"], facts["n_features"]) == (list(rows.columns), 4)
    twin = models.load(fitted.saved(model, tmp_path), "skops", fitted.declared(rows.columns))
    np.testing.assert_allclose(predicted.proba, twin.predict(rows).proba, rtol=0, atol=1e-5)


def test_values_arrive_whatever_type_the_frame_holds_them_in(mixed):
    model, predictor, rows = mixed
    other = rows.astype({"region": "category", "visits": float, "member": object, "income": float})
    np.testing.assert_allclose(predictor.predict(other).proba, model.predict_proba(rows), rtol=0, atol=1e-5)


def test_what_an_input_cannot_take_is_missing_by_name(mixed):
    _, predictor, rows = mixed
    for column, values, words in [
        (
            "visits",
            rows["visits"].astype(float).mask(rows.index == 3),
            "whole numbers in every row of column 'visits'",
        ),
        ("visits", rows["visits"] + 0.5, "whole numbers in every row of column 'visits'"),
        ("income", rows["region"], "numbers in column 'income', which holds string values"),
    ]:
        with pytest.raises(Missing) as missing:
            predictor.predict(rows.assign(**{column: values}))
        assert words in missing.value.what
    with pytest.raises(Missing, match="'member'"):
        predictor.predict(rows.drop(columns="member"))


def identity(kind, names):
    """A model that answers its first input as a number."""
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name in names]
    outputs = [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])]
    nodes = [helper.make_node("Cast", [names[0]], ["Y"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


def test_flags_go_in_as_flags(tmp_path):
    predictor = load(identity(TensorProto.BOOL, ["a", "b"]), tmp_path, ["a", "b"], Task.REGRESSION)
    for flags in ([True, False], [1, 0], [1.0, 0.0]):
        assert predictor.predict(pd.DataFrame({"a": flags, "b": True})).label.tolist() == [1.0, 0.0]
    for others in ([True, None], [2, 0]):
        with pytest.raises(Missing, match="true or false in every row of column 'a'"):
            predictor.predict(pd.DataFrame({"a": others, "b": True}))


def test_inputs_must_be_declared_features(mixed, tmp_path):
    with pytest.raises(Missing, match="the feature 'region', an input of the model"):
        models.load(tmp_path / "model.onnx", "onnx", fitted.declared(["income", "member", "visits"]))


def test_one_tensor_takes_numbers_of_any_type_and_no_text(tmp_path):
    x, y = iris("two")
    predictor = load(to_onnx(LogisticRegression().fit(x, y), x[:1]), tmp_path)
    rows = pd.DataFrame(x, columns=NAMES).round()
    expected = predictor.predict(rows).proba
    other = rows.astype({NAMES[0]: int, NAMES[1]: "category", NAMES[2]: object})
    np.testing.assert_array_equal(predictor.predict(other).proba, expected)
    flags = predictor.predict(rows.assign(**{NAMES[0]: rows[NAMES[0]] > 5}))
    ones = predictor.predict(rows.assign(**{NAMES[0]: (rows[NAMES[0]] > 5).astype(int)}))
    np.testing.assert_array_equal(flags.proba, ones.proba)
    with pytest.raises(Missing, match="numbers in column 'petal width', which holds string values"):
        predictor.predict(rows.assign(**{NAMES[3]: rows[NAMES[3]].astype(str)}))


def test_missing_numbers_arrive_as_nan(tmp_path):
    proto = identity(TensorProto.FLOAT, ["a"])
    predictor = load(proto, tmp_path, ["a"], Task.REGRESSION)
    np.testing.assert_array_equal(predictor.predict(pd.DataFrame({"a": [1.0, None]})).label, [1.0, np.nan])


@pytest.mark.filterwarnings("ignore:Attribute `prob[AB]_` was deprecated")
@pytest.mark.parametrize("model", [SVC(), LinearSVC()])
@pytest.mark.parametrize("kind", ["numbers", "two"])
def test_scores_that_are_no_probabilities_are_not_given_as_such(model, kind, tmp_path):
    x, y = iris(kind)
    predicted = load(to_onnx(model.fit(x, y), x[:1]), tmp_path).predict(pd.DataFrame(x, columns=NAMES))
    np.testing.assert_array_equal(predicted.label, model.predict(x))
    assert predicted.proba is None
    assert predicted.classes == tuple(model.classes_.tolist())


def test_a_classifier_with_one_output_is_told_what_is_missing(tmp_path):
    x, y = iris("two")
    proto = to_onnx(LogisticRegression().fit(x, y), x[:1])
    del proto.graph.output[1]
    with pytest.raises(Missing, match="labels and probabilities"):
        load(proto, tmp_path).predict(pd.DataFrame(x, columns=NAMES))


def test_probabilities_without_named_classes_are_told(tmp_path):
    weights = numpy_helper.from_array(np.zeros((4, 2), np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["X", "w"], ["s"]),
        helper.make_node("Softmax", ["s"], ["P"]),
        helper.make_node("ArgMax", ["P"], ["L"], axis=1, keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 4])]
    outputs = [
        helper.make_tensor_value_info("L", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("P", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [weights])
    proto = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    with pytest.raises(Missing, match="classes of the model's 2 columns"):
        load(proto, tmp_path).predict(pd.DataFrame(iris("two")[0], columns=NAMES))


def test_rows_that_are_not_finite_stay_visible():
    scores = np.array([[0.5, 0.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(onnx_model._probabilities(scores), scores)
    assert onnx_model._probabilities(np.array([[0.5, 0.6]])) is None
    assert onnx_model._probabilities(np.array([[-0.5, 1.5]])) is None
