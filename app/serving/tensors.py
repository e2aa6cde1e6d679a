"""Tensors of the Open Inference Protocol into columns of the signature, cell by cell; and answers into tensors.

Types are enforced, ranges and categories are not: an unusual value is what the monitoring tests are to see, and
refusing it would hide it from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.catalog.manifest import FeaturePart
from app.errors import FieldError, Invalid, nearest
from app.serving.schemas import TensorIn, TensorOut

Columns = dict[str, list[Any]]

INTEGERS = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
FLOATS = ("FP16", "FP32", "FP64")
NUMBERS = (*FLOATS, *INTEGERS)
DATATYPES: dict[str, tuple[str, ...]] = {
    "number": NUMBERS,
    "integer": NUMBERS,
    "boolean": ("BOOL", *INTEGERS),
    "category": ("BYTES", "BOOL", *NUMBERS),
    "text": ("BYTES",),
    "datetime": ("BYTES",),
}
"""Accepted for a feature of each type; the first is the one that metadata names."""
MOST_ERRORS = 20


class Wrong(ValueError):
    """What is wrong with one value."""


def preferred(kind: str) -> str:
    return {"number": "FP64", "integer": "INT64"}.get(kind, DATATYPES[kind][0])


def columns_of(inputs: Sequence[TensorIn], features: Sequence[FeaturePart], most_rows: int) -> tuple[Columns, int]:
    """The values of each feature, and the number of rows.

    Raises:
        Invalid: naming each row and column that is wrong (the first twenty).
    """
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] == len(features) > 1:
        inputs = _split(inputs[0], features)
    _require_all(inputs, features)
    rows = inputs[0].shape[0] if inputs[0].shape else 0
    if not 1 <= rows <= most_rows:
        message = f"{rows} rows: 1 to {most_rows} are answered at once"
        raise Invalid(message, [FieldError("inputs.0.shape", message)])
    kinds = {feature.name: feature for feature in features}
    errors: list[FieldError] = []
    columns: Columns = {}
    for number, tensor in enumerate(inputs):
        found, columns[tensor.name] = _column(f"inputs.{number}", tensor, kinds[tensor.name], rows)
        errors += found
    if errors:
        raise Invalid("; ".join(error.message for error in errors[:3]), errors[:MOST_ERRORS])
    return columns, rows


def _split(tensor: TensorIn, features: Sequence[FeaturePart]) -> list[TensorIn]:
    """One (n, k) tensor of numbers as k columns in the signature's order."""
    rows, width = tensor.shape
    data = _flat(tensor.data)
    if tensor.datatype not in NUMBERS or any(f.type not in {"number", "integer", "boolean"} for f in features):
        message = "one tensor for all features holds numbers only: send one tensor a feature"
        raise Invalid(message, [FieldError("inputs.0.datatype", message)])
    if len(data) != rows * width:
        raise Invalid(_length(tensor, data), [FieldError("inputs.0.data", _length(tensor, data))])
    kind = "INT64" if tensor.datatype in INTEGERS else tensor.datatype
    return [
        TensorIn(name=f.name, shape=[rows], datatype=kind if f.type != "boolean" else "INT64", data=data[i::width])
        for i, f in enumerate(features)
    ]


def _require_all(inputs: Sequence[TensorIn], features: Sequence[FeaturePart]) -> None:
    names, given = [f.name for f in features], [tensor.name for tensor in inputs]
    errors = [
        FieldError(f"inputs.{i}.name", f"the model has no column {name!r}{nearest(name, names)}")
        for i, name in enumerate(given)
        if name not in names
    ]
    errors += [
        FieldError(f"inputs.{i}.name", f"the column {name!r} is there twice")
        for i, name in enumerate(given)
        if name in given[:i]
    ]
    errors += [FieldError("inputs", f"the column {name!r} is missing") for name in names if name not in given]
    if errors:
        raise Invalid("; ".join(error.message for error in errors[:3]), errors[:MOST_ERRORS])


def _column(path: str, tensor: TensorIn, feature: FeaturePart, rows: int) -> tuple[list[FieldError], list[Any]]:
    name, accepted = feature.name, DATATYPES[feature.type]
    if tensor.datatype not in accepted:
        message = f"column {name!r} is a {feature.type}: send {' or '.join(accepted)}, not {tensor.datatype}"
        return [FieldError(f"{path}.datatype", message)], []
    data = _flat(tensor.data)
    if tensor.shape not in ([rows], [rows, 1]) or len(data) != rows:
        message = f"column {name!r}: {_length(tensor, data)}; the first column has {rows} rows"
        return [FieldError(f"{path}.shape", message)], []
    errors: list[FieldError] = []
    values: list[Any] = []
    for row, value in enumerate(data):
        try:
            values.append(_cell(value, feature))
        except Wrong as wrong:
            errors.append(FieldError(f"{path}.data.{row}", f"row {row}, column {name!r}: {wrong}"))
    return errors, values


def _cell(value: Any, feature: FeaturePart) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        if feature.nullable is False:
            raise Wrong("null, where the signature allows none")
        return None
    return _READERS[feature.type](value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Wrong(f"{_kind(value)} is not a finite number")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise Wrong(f"{_kind(value)} is not a whole number")
    return int(value)


def _boolean(value: Any) -> bool | int:
    if not isinstance(value, bool) and value not in (0, 1):
        raise Wrong(f"{_kind(value)} is not true or false")
    return value if isinstance(value, bool) else int(value)


def _category(value: Any) -> Any:
    if not isinstance(value, str | bool | int | float):
        raise Wrong(f"{_kind(value)} is not a category")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(f"{_kind(value)} is not text")
    return value


def _datetime(value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Wrong(f"{_kind(value)} is not a time in ISO 8601") from None
    return str(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "category": _category,
    "text": _text,
    "datetime": _datetime,
}


def _flat(data: list[Any]) -> list[Any]:
    if not any(isinstance(item, list) for item in data):
        return data
    return [value for item in data for value in (_flat(item) if isinstance(item, list) else [item])]


def _length(tensor: TensorIn, data: list[Any]) -> str:
    return f"the shape {tensor.shape} and {len(data)} values do not agree"


def _kind(value: Any) -> str:
    """What the value is; the value itself may be somebody's, and errors are logged by those who send it."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else f"a {type(value).__name__}"


# --- answers ------------------------------------------------------------------------------------


def datatype_of(values: Sequence[Any]) -> str:
    """Of labels: BOOL, INT64, FP64 or BYTES."""
    for kind, name in ((bool, "BOOL"), (int, "INT64"), (float, "FP64")):
        if all(isinstance(value, kind) for value in values):
            return name
    return "BYTES"


def tensors_of(answer: dict[str, Any]) -> list[TensorOut]:
    labels, proba = answer["label"], answer["proba"]
    tensors = [TensorOut(name="predict", shape=[len(labels)], datatype=datatype_of(labels), data=labels)]
    if proba is not None:
        flat = [value for row in proba for value in row]
        shape, classes = [len(proba), len(proba[0])], {"classes": answer["classes"]}
        tensors.append(TensorOut(name="predict_proba", shape=shape, datatype="FP64", data=flat, parameters=classes))
    return tensors
