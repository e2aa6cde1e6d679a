"""Seeded damage to real artifacts, made so that it gets past signatures and checksums to the parsers."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq

from tests.security import artifacts

INTERESTING = [0, 1, -1, 2, 127, 255, -128, 2**15, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), 10**6]


@dataclass(frozen=True)
class Mutant:
    name: str
    what: str
    filename: str
    content: bytes


def mutants(count: int, seed: int = 28) -> Iterator[Mutant]:
    """``count`` damaged artifacts: six of ten skops, two ONNX, two tables."""
    chance = random.Random(seed)
    for number in range(count):
        kind = ("skops",) * 6 + ("onnx",) * 2 + ("parquet", "arrow")
        yield _MAKERS[kind[number % 10]](chance, number)


def _skops(chance: random.Random, number: int) -> Mutant:
    source = chance.choice(sorted(artifacts.models()))
    parts = artifacts.members(artifacts.skops_bytes(source))
    for _ in range(chance.randint(1, 3)):
        change = chance.choice(_MEMBER_CHANGES)
        change(chance, parts)
    name = f"{number} skops {source}"
    return Mutant(name, "model", "model.skops", artifacts.zipped(parts))


def _arrays(parts: dict[str, bytes]) -> list[str]:
    return [name for name in parts if name != "schema.json"]


def _flip_data(chance: random.Random, parts: dict[str, bytes]) -> None:
    """Values, tree nodes, support vectors: anything behind the array's header."""
    name = chance.choice(_arrays(parts))
    content = bytearray(parts[name])
    start = 10 + struct.unpack("<H", content[8:10])[0]
    for _ in range(chance.randint(1, 20)):
        if start < len(content):
            content[chance.randrange(start, len(content))] = chance.randrange(256)
    parts[name] = bytes(content)


def _wild_integers(chance: random.Random, parts: dict[str, bytes]) -> None:
    """Whole words of an array replaced by values that indices and sizes stumble over."""
    name = chance.choice(_arrays(parts))
    content = bytearray(parts[name])
    start = 10 + struct.unpack("<H", content[8:10])[0]
    places = range(start, len(content) - 7, 8)
    for _ in range(chance.randint(1, 4)):
        if places:
            place = chance.choice(places)
            content[place : place + 8] = struct.pack("<q", chance.choice(INTERESTING))
    parts[name] = bytes(content)


def _reshape(chance: random.Random, parts: dict[str, bytes]) -> None:
    name = chance.choice(_arrays(parts))
    array = np.load(io.BytesIO(parts[name]))
    flat = array.reshape(-1)
    made = chance.choice(
        [flat[:0], flat[: max(1, flat.size // 2)], np.concatenate([flat, flat]), flat.reshape(-1, 1)]
    )
    if flat.dtype.kind in "iuf" and chance.random() < 0.3:
        made = made.astype(chance.choice(["<f4", "<i4", "<i8", "|u1", "<f8"]))
    buffer = io.BytesIO()
    np.save(buffer, made, allow_pickle=False)
    parts[name] = buffer.getvalue()


def _swap(chance: random.Random, parts: dict[str, bytes]) -> None:
    one, other = (chance.choice(_arrays(parts)) for _ in range(2))
    parts[one], parts[other] = parts[other], parts[one]


def _edit_schema(chance: random.Random, parts: dict[str, bytes]) -> None:
    schema = json.loads(parts["schema.json"])
    nodes = [item for item in _dicts(schema) if item]
    node = chance.choice(nodes)
    key = chance.choice(sorted(node))
    other = chance.choice(nodes)
    action = chance.randrange(5)
    if action == 0:
        del node[key]
    elif action == 1:
        node[key] = chance.choice([None, True, [], {}, "", "x", *INTERESTING])
    elif action == 2:
        node[key] = deepcopy(other.get(chance.choice(sorted(other))))
    elif action == 3 and isinstance(node.get("content"), str):
        node["content"] = json.dumps(chance.choice([None, True, [], {}, "x", 0.5, *INTERESTING]))
    elif isinstance(node[key], list):
        node[key] = node[key][::-1] * chance.randrange(3)
    parts["schema.json"] = json.dumps(schema).encode()


def _dicts(root: object) -> Iterator[dict]:
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


_MEMBER_CHANGES = [
    _flip_data,
    _flip_data,
    _wild_integers,
    _wild_integers,
    _reshape,
    _swap,
    _edit_schema,
    _edit_schema,
]


def _onnx(chance: random.Random, number: int) -> Mutant:
    source = chance.choice(["forest", "boosting", "linear", "neighbours", "regression"])
    model = onnx.load_model_from_string(artifacts.onnx_bytes(source))
    for _ in range(chance.randint(1, 3)):
        chance.choice([_edit_attribute, _edit_attribute, _edit_tensor, _edit_wiring])(chance, model)
    return Mutant(f"{number} onnx {source}", "model", "model.onnx", model.SerializeToString())


def _edit_attribute(chance: random.Random, model: onnx.ModelProto) -> None:
    attribute = chance.choice([a for node in model.graph.node for a in node.attribute] or [onnx.AttributeProto()])
    values = attribute.ints or attribute.floats
    if not values:
        attribute.i = chance.choice(INTERESTING)
    elif chance.random() < 0.7:
        values[chance.randrange(len(values))] = chance.choice(INTERESTING)
    else:
        del values[chance.randrange(len(values)) :]


def _edit_tensor(chance: random.Random, model: onnx.ModelProto) -> None:
    if not model.graph.initializer:
        return
    tensor = chance.choice(model.graph.initializer)
    if tensor.dims and chance.random() < 0.5:
        tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(INTERESTING)
    elif tensor.raw_data:
        tensor.raw_data = tensor.raw_data[: chance.randrange(len(tensor.raw_data))]
    else:
        tensor.data_type = chance.randrange(17)


def _edit_wiring(chance: random.Random, model: onnx.ModelProto) -> None:
    node = chance.choice(model.graph.node)
    other = chance.choice(model.graph.node)
    if chance.random() < 0.5 and node.input and other.output:
        node.input[0] = other.output[0]
    else:
        node.op_type = other.op_type


def _flipped(chance: random.Random, content: bytes) -> bytes:
    """A few bytes changed anywhere but in the marks at both ends."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(8, len(damaged) - 10)] = chance.randrange(256)
    return bytes(damaged)


def _table() -> pa.Table:
    rows = np.random.default_rng(28)
    return pa.table(
        {
            "number": rows.normal(size=500),
            "text": [f"text {i % 17}" for i in range(500)],
            "category": pa.array(["north", "south"] * 250).dictionary_encode(),
            "whole": rows.integers(0, 9, 500),
        }
    )


def _parquet(chance: random.Random, number: int) -> Mutant:
    buffer = io.BytesIO()
    pq.write_table(_table(), buffer, compression=chance.choice(["none", "snappy", "zstd"]))
    return Mutant(f"{number} parquet", "dataset", "rows.parquet", _flipped(chance, buffer.getvalue()))


def _arrow(chance: random.Random, number: int) -> Mutant:
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, _table().schema) as writer:
        writer.write_table(_table())
    return Mutant(f"{number} arrow", "dataset", "rows.arrow", _flipped(chance, buffer.getvalue()))


_MAKERS: dict[str, Callable[[random.Random, int], Mutant]] = {
    "skops": _skops,
    "onnx": _onnx,
    "parquet": _parquet,
    "arrow": _arrow,
}
