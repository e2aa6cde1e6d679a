"""Schemas that name what they should not, where they should not: refused before anything is built."""

import json
import subprocess
import sys

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
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
