"""Schemas that name what they should not, where they should not: refused before anything is built."""

import io
import json
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

from app.catalog.inspector import examine
from app.engines.skops_types import allowed, trusted
from tests.security import artifacts
from tests.security.artifacts import with_schema


def node(loader, name, **rest):
    module, _, cls = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": cls, **rest}


def text(value):
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def sequence(*items, kind="list"):
    return node(f"{kind.capitalize()}Node", f"builtins.{kind}", content=list(items))


def mapping(key_type, **items):
    return node("DictNode", "builtins.dict", content=items, key_types=sequence(key_type))


OPEN, LINEAR = "builtins.open", "sklearn.linear_model._logistic.LogisticRegression"


def payloads(mark):
    """Name -> an object's node. Loaded without an audit, those under ``WORKING`` create the file ``mark``."""
    arguments = sequence(text(str(mark)), text("w"), kind="tuple")
    attributes = mapping(node("TypeNode", "builtins.str"), coef_=text(1))
    estimator = node("ObjectNode", LINEAR, content=attributes)
    opened = node("FunctionNode", OPEN)
    called = sequence(opened, *arguments["content"], kind="tuple")
    partial = {"func": opened, "args": arguments, "kwds": mapping(text(1)), "namespace": text(None)}
    evaluated = f"open({str(mark)!r}, 'w')"
    return {
        "constructor": node("ConstructorFromReduceNode", OPEN, content=arguments),
        "constructor in numpy": node(
            "ConstructorFromReduceNode", "numpy.memmap",
            content=sequence(text(str(mark)), text("uint8"), text("w+"), text(0), text([8]), kind="tuple"),
        ),
        "key type": mapping(node("TypeNode", "builtins.eval"), **{evaluated: text(1)}),
        "key function": mapping(node("FunctionNode", "builtins.eval"), **{evaluated: text(1)}),
        "list": node("ListNode", "os.system", content=[text("true")]),
        "set": node("SetNode", "builtins.exec", content=[text("1")]),
        "dictionary": node("DictNode", "os.getpid", content={}, key_types=sequence()),
        "named tuple": node("TupleNode", "os.terminal_size", content=[text(1)]),
        "array": node("NdArrayNode", "numpy.memmap", type="numpy", file="a.npy"),
        "loss": node("LossNode", OPEN, __reduce__={"args": arguments}, content=mapping(text(1))),
        "function": node("FunctionNode", "os.system"),
        "type": node("TypeNode", "subprocess.Popen"),
        "partial": node("PartialNode", "functools.partial", content=partial),
        "operator": node("OperatorFuncNode", "operator.methodcaller", attrs=sequence(text("fit"), kind="tuple")),
        "operator that calls": node("OperatorFuncNode", "operator.call", attrs=called),
        "operator in disguise": node("OperatorFuncNode", LINEAR, attrs=sequence(text("x"), kind="tuple")),
        "method": node("MethodNode", LINEAR, content={"func": "__reduce__", "obj": estimator}),
        "method in disguise": node(
            "MethodNode", LINEAR, content={"func": "__init__", "obj": node("ObjectNode", "logging.FileHandler")}
        ),
        "object": node("ObjectNode", "logging.FileHandler", content=mapping(text(1))),
        "object of a test module": node("ObjectNode", "sklearn.tests.test_base.MyEstimator"),
        "generator": node(
            "RandomGeneratorNode", "numpy.random._generator.Generator",
            content={
                "bit_generator": mapping(node("TypeNode", "builtins.str"), bit_generator=text("seed")),
                "seed_seq": mapping(text(1)),
            },
        ),
        "random state": node("RandomStateNode", "os.getpid", content=mapping(text(1))),
        "sparse": node("SparseMatrixNode", "scipy.sparse._bsr.bsr_matrix", type="scipy", file="a.npz"),
        "forest of another library": node("QuantileForestNode", "quantile_forest.QuantileForest"),
        "unknown loader": node("EvilNode", "builtins.str"),
        "trusted name, wrong loader": node("ConstructorFromReduceNode", "numpy.mean", content=sequence(text([1]))),
    }  # fmt: skip


NAMES = sorted(payloads("mark"))
WORKING = ["constructor", "constructor in numpy", "key type", "key function", "operator that calls"]


@pytest.mark.parametrize("name", NAMES)
def test_refused_alone_and_inside_a_model(name, tmp_path, mark):
    payload = payloads(mark)[name]
    array = artifacts.members(artifacts.skops_bytes("linear"))
    hidden = json.loads(array["schema.json"])
    hidden["content"]["content"]["verbose"] = payload
    beside = {"schema.json": json.dumps(hidden).encode()}
    for content in (with_schema(payload), artifacts.zipped({**array, **beside})):
        path = artifacts.write(tmp_path / "model.skops", content)
        answer = examine({"what": "model", "path": str(path), "filename": "model.skops"})
        assert "types that are not trusted" in answer["refused"] or "cannot be read" in answer["refused"]
    assert not mark.exists()


@pytest.mark.parametrize("name", WORKING)
def test_the_payload_works_where_nobody_looks(name, tmp_path, mark):
    """Positive control of the corpus: the same files, built without an audit."""
    path = artifacts.write(tmp_path / "model.skops", with_schema(payloads(mark)[name]))
    code = (
        "import sys, zipfile; from skops.io._audit import get_tree; from skops.io._utils import read_schema;"
        "import skops.io; schema, context = read_schema(zipfile.ZipFile(sys.argv[1]));"
        "get_tree(schema, context, trusted=[]).construct()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True)
    assert mark.exists()


def test_the_refusal_names_the_types_and_the_ways_out(tmp_path, refusal):
    model = make_pipeline(FunctionTransformer(subprocess.getoutput), LogisticRegression())
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    detail = refusal(path)
    for word in ("model.skops", "subprocess.getoutput", "ONNX", "predictions_only"):
        assert word in detail


@pytest.mark.parametrize("protocol", [0, 1, 3, True, "2", None])
def test_only_todays_protocol_is_read(protocol, tmp_path):
    """Older ones bring older, less strict nodes with them."""
    schema = json.loads(artifacts.members(artifacts.skops_bytes("linear"))["schema.json"])
    path = artifacts.write(tmp_path / "model.skops", with_schema({**schema, "protocol": protocol}))
    answer = examine({"what": "model", "path": str(path), "filename": "model.skops"})
    assert f"protocol {protocol!r}" in answer["refused"]


def test_every_trusted_type_comes_from_a_library_of_numbers():
    names = {name for names in allowed().values() for name in names} | set(trusted())
    homes = {name.split(".")[0] for name in names}
    assert homes == {"builtins", "collections", "functools", "numpy", "scipy", "sklearn"}
    built_in = {name for name in names if name.startswith("builtins.")}
    containers = {"bytes", "bytearray", "dict", "list", "set", "slice", "str", "tuple"}
    assert built_in == {f"builtins.{name}" for name in containers | {"bool", "float", "int"}}
    refused_loaders = {
        "ConstructorFromReduceNode",
        "MethodNode",
        "OperatorFuncNode",
        "QuantileForestNode",
        "CachedNode",
    }
    assert not refused_loaders & allowed().keys()


# --- contents that lead compiled code out of bounds ---------------------------------------------


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
    narrow, _, y = narrow_and_wide()
    rows = narrow.copy()
    rows[:, 0] = np.random.default_rng(0).integers(0, 5, len(rows)) + 10 * y  # categories that tell
    rows[:, 0] %= 7
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(rows, y)
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
