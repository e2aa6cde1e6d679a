"""ONNX models that point outside themselves, bring operators of their own, or explode."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.catalog.inspection import inspect_model
from app.catalog.inspector import examine
from app.engines.onnx_file import MAX_BYTES
from tests.security import artifacts

VALUES = np.arange(4, dtype=np.float32)
OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]


def value(name, kind=TensorProto.FLOAT, shape=(None, 4)):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, initializer=(), functions=(), opsets=OPSETS, **graph):
    made = helper.make_graph(nodes, "g", [value("X")], [value("Y")], list(initializer), **graph)
    return helper.make_model(made, opset_imports=opsets, ir_version=8, functions=list(functions))


def constant(name="w"):
    return numpy_helper.from_array(VALUES, name)


def external(location, tensor=None, **more):
    """The tensor with its data moved to another file."""
    tensor = tensor or constant()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in {"location": str(location), **more}.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


def add(left="X", right="w"):
    return helper.make_node("Add", [left, right], ["Y"])


def in_initializer(tensor):
    return model([add()], [tensor])


def in_attribute(tensor):
    return model([helper.make_node("Constant", [], ["w"], value=tensor), add()])


def branch(tensor):
    nodes = [helper.make_node("Identity", [tensor.name], ["b"])]
    return helper.make_graph(nodes, "branch", [], [value("b", shape=(4,))], [tensor])


def in_subgraph(tensor):
    flag = numpy_helper.from_array(np.array(True), "flag")
    branches = {"then_branch": branch(tensor), "else_branch": branch(constant("v"))}
    return model([helper.make_node("If", ["flag"], ["w"], **branches), add()], [flag])


def in_subgraph_of_a_subgraph(tensor):
    inner = in_subgraph(tensor).graph
    nodes = [helper.make_node("Identity", ["w2"], ["b"])]
    deep = helper.make_graph([inner.node[0], *nodes], "deep", [], [value("b", shape=(4,))], [inner.initializer[0]])
    deep.node[0].output[0] = "w2"
    flag = numpy_helper.from_array(np.array(True), "outer")
    branches = {"then_branch": deep, "else_branch": branch(constant("v"))}
    return model([helper.make_node("If", ["outer"], ["w"], **branches), add()], [flag])


def in_function(tensor):
    body = [helper.make_node("Constant", [], ["c"], value=tensor), helper.make_node("Add", ["a", "c"], ["b"])]
    function = helper.make_function("own", "Shift", ["a"], ["b"], body, OPSETS)
    opsets = [*OPSETS, helper.make_opsetid("own", 1)]
    return model([helper.make_node("Shift", ["X"], ["Y"], domain="own")], functions=[function], opsets=opsets)


def sparse(tensor):
    tensor.name = "s"
    return helper.make_sparse_tensor(tensor, numpy_helper.from_array(np.arange(4, dtype=np.int64), "i"), [4])


def in_sparse_initializer(tensor):
    return model([add("X", "s")], sparse_initializer=[sparse(tensor)])


def in_sparse_attribute(tensor):
    return model([helper.make_node("Constant", [], ["w"], sparse_value=sparse(tensor)), add()])


def in_training_info(tensor):
    made = model([add()], [constant()])
    made.training_info.add().algorithm.CopyFrom(branch(tensor))
    return made


PLACES = {
    place.__name__: place
    for place in (
        in_initializer,
        in_attribute,
        in_subgraph,
        in_subgraph_of_a_subgraph,
        in_function,
        in_sparse_initializer,
        in_sparse_attribute,
        in_training_info,
    )
}


def ask(path):
    return examine({"what": "model", "path": str(path), "filename": "model.onnx"})


def save(tmp_path, made):
    return artifacts.write(tmp_path / "model.onnx", made.SerializeToString())


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_refused_wherever_it_hides(place, tmp_path):
    answer = ask(save(tmp_path, PLACES[place](external("weights.bin"))))
    assert "lies in another file" in answer["refused"]
    assert "save_as_external_data=False" in answer["refused"]


@pytest.mark.parametrize("place", [name for name in PLACES if name != "in_training_info"])
def test_the_same_models_with_their_data_inside_are_accepted(place, tmp_path, reader):
    """Positive control. (onnxruntime takes no sparse constant in an attribute, whoever brings it.)"""
    answer = reader.examine(save(tmp_path, PLACES[place](constant())))
    if place == "in_sparse_attribute":
        assert answer["parsed"]
    else:
        assert answer["outcome"] != "refused", answer["detail"]


@pytest.fixture
def secret(tmp_path):
    return artifacts.write(tmp_path / "secret.bin", VALUES.tobytes())


def locations(tmp_path, secret):
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "link").symlink_to(secret)
    os.link(secret, beside / "hard")
    (beside / "plain").write_bytes(VALUES.tobytes())
    return {
        "beside": "plain",
        "climbing": "../secret.bin",
        "absolute": secret,
        "symbolic link": "link",
        "hard link": "hard",
        "process": "/proc/self/root" + str(secret),
        "dotted": "./sub/.././../secret.bin",
    }


LOCATIONS = ["beside", "climbing", "absolute", "symbolic link", "hard link", "process", "dotted"]


@pytest.mark.parametrize("name", LOCATIONS)
def test_every_location_is_refused(name, tmp_path, secret, monkeypatch):
    location = locations(tmp_path, secret)[name]
    monkeypatch.chdir(tmp_path / "beside")
    made = in_initializer(external(location, offset="0", length="16"))
    assert "lies in another file" in ask(save(tmp_path / "beside", made))["refused"]


def test_marked_or_merely_listed_both_count(tmp_path):
    listed = constant()
    listed.external_data.add(key="location", value="weights.bin")
    marked = constant()
    marked.data_location = TensorProto.EXTERNAL
    for tensor in (listed, marked):
        assert "lies in another file" in ask(save(tmp_path, in_initializer(tensor)))["refused"]


@pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.contrib", "com.example", "ai.onnx.preview.training"])
def test_operators_of_other_domains_are_refused(domain, tmp_path):
    opsets = [*OPSETS, helper.make_opsetid(domain, 1)]
    node = helper.make_node("EPContext", ["X"], ["Y"], domain=domain, ep_cache_context="../secret.bin")
    assert f"the operator {domain}.EPContext" in ask(save(tmp_path, model([node], opsets=opsets)))["refused"]
    inner = helper.make_graph([node], "branch", [], [value("Y")])
    branches = {"then_branch": inner, "else_branch": inner}
    flag = numpy_helper.from_array(np.array(True), "flag")
    hidden = model([helper.make_node("If", ["flag"], ["Y"], **branches)], [flag], opsets=opsets)
    assert f"the operator {domain}.EPContext" in ask(save(tmp_path, hidden))["refused"]


def test_the_checker_has_its_say(tmp_path):
    made = model([helper.make_node("NoSuchOperator", ["X"], ["Y"])])
    assert "ONNX checker refuses" in ask(save(tmp_path, made))["refused"]


def test_fields_that_nobody_knows_never_reach_the_runtime(tmp_path):
    from app.engines.onnx_file import read_model

    content = in_initializer(constant()).SerializeToString()
    unknown = b"\xfa\x3f\x06hidden"  # field 1023, six bytes
    path = artifacts.write(tmp_path / "model.onnx", content + unknown)
    assert b"hidden" in onnx.load_model_from_string(path.read_bytes()).SerializeToString()
    assert b"hidden" not in read_model(path).SerializeToString()


def test_a_model_that_unfolds_to_terabytes_is_refused(tmp_path, reader):
    shape = numpy_helper.from_array(np.array([2**20, 2**20], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["w"], keepdims=0),
        add(),
    ]
    answer = reader.examine(save(tmp_path, model(nodes, [shape])))
    assert answer["outcome"] in {"refused", "failed"}


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.write(artifacts.onnx_bytes("linear"))
        file.truncate(MAX_BYTES + 1)
    assert f"more than the {MAX_BYTES}" in ask(path)["refused"]


def test_truncated_and_empty_models_are_refused(tmp_path):
    content = artifacts.onnx_bytes("forest")
    for cut in (content[:-1], content[: len(content) // 2], content[:3], b"\x08\x08"):
        assert "refused" in ask(artifacts.write(tmp_path / "model.onnx", cut))


def test_real_models_are_accepted_by_the_service(tmp_path, unmigrated):
    """Positive control."""
    path = artifacts.write(tmp_path / "model.onnx", artifacts.onnx_bytes("forest"))
    facts = inspect_model(path, "model.onnx", unmigrated)
    assert (facts.model_class, facts.n_features) == ("TreeEnsembleClassifier", artifacts.WIDTH)


def test_the_service_refuses_external_data_too(tmp_path, secret, refusal):
    path = save(tmp_path, in_initializer(external(secret)))
    assert "lies in another file" in refusal(path)
