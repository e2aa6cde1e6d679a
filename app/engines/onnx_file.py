"""An ONNX file before onnxruntime sees it: self-contained, standard operators, nothing that was not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.errors import Invalid

MAX_BYTES = 512 * 1024**2
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


def read_model(path: Path) -> Any:
    """The checked ``ModelProto``, without any field that this version of onnx does not know.

    onnxruntime gets this message serialised anew, never the file: so it cannot see what was not checked here.

    Raises:
        Invalid: no ONNX, external data, operators of other domains, or a model that the checker refuses.
    """
    import onnx

    check_size(path)
    model = _parse(path)
    if model is None:
        raise Invalid("the content is no ONNX model, or is truncated")
    model.DiscardUnknownFields()
    _check_messages(model)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise Invalid(f"the ONNX checker refuses the model: {str(error).splitlines()[0][:300]}") from error
    return model


def check_size(path: Path) -> None:
    """Raises Invalid when the file is larger than an ONNX model may be."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise Invalid(f"the file has {size} bytes, more than the {MAX_BYTES} that are accepted of ONNX")


def is_onnx(path: Path) -> bool:
    """Whether the content reads as an ONNX model, whatever it does."""
    return path.stat().st_size <= MAX_BYTES and _parse(path) is not None


def _parse(path: Path) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError:
        return None
    return model if model.ir_version and model.graph.node else None


def _check_messages(model: Any) -> None:
    """Every tensor and node, wherever it hides: subgraphs, functions, attributes, sparse tensors, training."""
    import onnx

    own = {(function.domain, function.name) for function in model.functions}
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto):
            _check_tensor(message, onnx.TensorProto.EXTERNAL)
        elif isinstance(message, onnx.NodeProto):
            _check_node(message, own)


def _check_tensor(tensor: Any, external: int) -> None:
    if tensor.external_data or tensor.data_location == external:
        raise Invalid(
            f"the tensor {tensor.name!r} lies in another file; save the model with its data inside "
            "(onnx.save(model, path, save_as_external_data=False))"
        )


def _check_node(node: Any, own: set[tuple[str, str]]) -> None:
    if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
        raise Invalid(
            f"the operator {node.domain}.{node.op_type} is not accepted, only those of ai.onnx and ai.onnx.ml"
        )


def _messages(root: Any) -> Iterator[Any]:
    """The message and all messages in it, found by reflection: no place can be forgotten."""
    waiting = [root]
    while waiting:
        message = waiting.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if hasattr(value, "ListFields") else value)
