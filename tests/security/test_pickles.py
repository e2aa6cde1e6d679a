"""Files that run code when they are loaded: refused by name, never loaded, whatever they are called."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
import zlib

import joblib
import numpy as np
import pytest

from app.catalog.inspection import inspect_dataset, inspect_model
from app.catalog.inspector import examine
from tests.security import artifacts


class Payload:
    """Unpickling it creates a folder."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


def torch_archive(payload):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(payload))
        archive.writestr("archive/version", b"3\n")
    return buffer.getvalue()


def numpy_objects(payload):
    buffer = io.BytesIO()
    np.save(buffer, np.array([payload], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def joblib_file(payload, **options):
    buffer = io.BytesIO()
    joblib.dump({"model": payload, "weights": np.arange(5)}, buffer, **options)
    return buffer.getvalue()


MAKERS = {
    **{f"protocol {number}": lambda p, number=number: pickle.dumps(p, number) for number in range(6)},
    "gzip": lambda p: gzip.compress(pickle.dumps(p)),
    "zlib": lambda p: zlib.compress(pickle.dumps(p)),
    "bz2": lambda p: bz2.compress(pickle.dumps(p)),
    "xz": lambda p: lzma.compress(pickle.dumps(p)),
    "lzma": lambda p: lzma.compress(pickle.dumps(p), format=lzma.FORMAT_ALONE),
    "joblib": joblib_file,
    **{f"joblib {how}": lambda p, how=how: joblib_file(p, compress=(how, 3)) for how in ("zlib", "gzip", "bz2")},
    **{f"joblib {how}": lambda p, how=how: joblib_file(p, compress=(how, 3)) for how in ("lzma", "xz")},
    "numpy objects": numpy_objects,
    "torch": torch_archive,
}
NAMES = ["model.skops", "model.onnx", "model.pkl", "model.joblib", "model"]


@pytest.mark.parametrize("maker", MAKERS)
def test_refused_by_name_with_the_ways_out(maker, tmp_path, mark):
    path = artifacts.write(tmp_path / "artifact", MAKERS[maker](Payload(mark)))
    for name in NAMES:
        refused = examine({"what": "model", "path": str(path), "filename": name})["refused"]
        assert refused.startswith(f"{name}: this is a ")
        assert "pickle" in refused
        for way_out in ("skops.io.dump", "skl2onnx.to_onnx", "predictions_only"):
            assert way_out in refused
    assert "refused" in examine({"what": "dataset", "path": str(path), "filename": "rows.parquet"})
    examine({"what": "dataset", "path": str(path), "filename": "rows.csv"})  # protocol 0 is text like any other
    assert not mark.exists()


def test_refused_by_the_service_itself(tmp_path, mark, refusal):
    path = artifacts.write(tmp_path / "model.skops", joblib_file(Payload(mark)))
    assert "this is a pickle/joblib file" in refusal(path)
    assert "pickle" in refusal(path, "rows.parquet", inspect_dataset)
    assert not mark.exists()


def test_the_payload_works_where_it_is_loaded(tmp_path, mark):
    """Positive control of the corpus."""
    path = artifacts.write(tmp_path / "model.joblib", joblib_file(Payload(mark)))
    subprocess.run([sys.executable, "-c", f"import joblib; joblib.load({str(path)!r})"], check=True)
    assert mark.exists()


@pytest.mark.parametrize(
    ("name", "content"), [("a.skops", artifacts.skops_bytes), ("a.onnx", artifacts.onnx_bytes)]
)
def test_a_real_model_is_accepted(name, content, tmp_path, unmigrated):
    """Positive control of the door."""
    facts = inspect_model(artifacts.write(tmp_path / name, content("linear")), name, unmigrated)
    assert facts.format == name[2:]
    assert facts.classes == [0, 1]
    assert facts.n_features == artifacts.WIDTH


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("skops", "model.onnx", ["name says ONNX", "content is skops"]),
        ("onnx", "model.skops", ["name says skops", "content is ONNX"]),
        ("skops", "model.zip", ["'.zip'", ".skops, .onnx", "content is skops"]),
        ("skops", "model", ["'nothing'", "content is skops"]),
        ("text", "model.onnx", ["name says ONNX", "not recognised"]),
        ("empty", "model.skops", ["name says skops", "empty"]),
        ("hdf5", "model.h5", ["'.h5'", "HDF5 (Keras)"]),
        ("keras", "model.keras", ["'.keras'", "Keras archive"]),
        ("tflite", "model.tflite", ["TensorFlow Lite"]),
        ("npz", "model.npz", ["NumPy archive"]),
        ("cut", "model.skops", ["name says skops", "truncated or damaged"]),
    ],
)
def test_name_and_content_must_agree_and_both_are_named(content, name, words, tmp_path):
    contents = {
        "skops": artifacts.skops_bytes("linear"),
        "onnx": artifacts.onnx_bytes("linear"),
        "text": b"tree\nversion=v4\nnum_class=1\n" * 50,
        "empty": b"",
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "keras": artifacts.zipped({"config.json": b"{}", "model.weights.h5": b""}),
        "tflite": b"\x1c\0\0\0TFL3" + bytes(100),
        "npz": artifacts.zipped({"a.npy": b"", "b.npy": b""}),
        "cut": artifacts.skops_bytes("linear")[:-100],
    }
    path = artifacts.write(tmp_path / "artifact", contents[content])
    refused = examine({"what": "model", "path": str(path), "filename": name})["refused"]
    for word in [name, *words]:
        assert word in refused
