"""ZIP archives that climb, link, repeat, hide or explode: refused, and nothing outside the store changes."""

import hashlib
import io
import json
import stat
import struct
import zipfile

import numpy as np
import pytest
import scipy.sparse
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder

from app.catalog.inspection import inspect_model
from app.catalog.inspector import examine
from app.engines import skops_file
from app.engines.skops_file import check_file
from app.errors import Invalid
from app.evidence.blobs import BlobStore
from tests.security import artifacts
from tests.security.artifacts import with_schema, zipped

MODEL = artifacts.skops_bytes("linear")


def entry(name, content=b"root", **attributes):
    """The model's archive with one more member, described as ``attributes`` say."""
    buffer = io.BytesIO(MODEL)
    with zipfile.ZipFile(buffer, "a") as archive:
        member = zipfile.ZipInfo(name)
        for attribute, value in attributes.items():
            setattr(member, attribute, value)
        archive.writestr(member, content)
    return buffer.getvalue()


def twice():
    buffer = io.BytesIO(MODEL)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("schema.json", artifacts.members(MODEL)["schema.json"])
    return buffer.getvalue()


def encrypted():
    content = bytearray(MODEL)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            content[start + offset] |= 1
    return bytes(content)


def overlapping():
    """Two directory entries that share the bytes of one member (a bomb's way to multiply)."""
    content = bytearray(zipped({"1.npy": bytes(1000), "2.npy": bytes(1000), "schema.json": b"{}"}))
    second = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 1)
    content[second + 42 : second + 46] = struct.pack("<L", 10)
    return bytes(content)


def with_comment():
    buffer = io.BytesIO(MODEL)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"hidden"
    return buffer.getvalue()


def zip64_in_disguise():
    """A ZIP64 record that would put another directory in the place of the checked one."""
    content = bytearray(MODEL)
    end = content.rfind(b"PK\x05\x06")
    content[end - 20 : end - 16] = b"PK\x06\x07"
    return bytes(content)


SYMLINK = (stat.S_IFLNK | 0o777) << 16
HOSTILE = {
    "climbs": entry("../../climbed.npy"),
    "climbs by backslash": entry("..\\..\\climbed.npy"),
    "absolute": entry("/var/climbed.npy"),
    "drive": entry("C:\\climbed.npy"),
    "folder": entry("folder/"),
    "in a folder": entry("folder/1.npy"),
    "hidden file": entry(".npy"),
    "script": entry("run.py"),
    "pickle": entry("data.pkl"),
    "unicode": entry("ﬁle.npy"),
    "symbolic link": entry("1.npy", b"/etc/passwd", external_attr=SYMLINK),
    "device": entry("1.npy", b"", external_attr=(stat.S_IFCHR | 0o666) << 16),
    "twice": twice(),
    "encrypted": encrypted(),
    "lzma": zipped(artifacts.members(MODEL), zipfile.ZIP_LZMA),
    "bzip2": zipped(artifacts.members(MODEL), zipfile.ZIP_BZIP2),
    "overlapping": overlapping(),
    "commented": with_comment(),
    "promised comment": MODEL[:-2] + b"\x05\x00",
    "zip64": zip64_in_disguise(),
    "something behind": MODEL + b"trailing",
    "another archive behind": MODEL + MODEL,
    "truncated": MODEL[:-30],
    "too many members": zipped({**{f"{i}.npy": b"" for i in range(skops_file.MAX_MEMBERS)}, "schema.json": b"{}"}),
    "bomb": zipped({"schema.json": b" " * (8 * 1024**2) + b"{}"}, zipfile.ZIP_DEFLATED),
}
REASONS = {
    "symbolic link": "no plain file",
    "climbs": "no plain file",
    "absolute": "no plain file",
    "twice": "twice",
    "encrypted": "encrypted",
    "overlapping": "overlaps",
    "something behind": "behind",
    "too many members": "50001 members",
    "bomb": ": 1, more than 100 : 1",
}


@pytest.fixture
def outside(tmp_path):
    """Digest of everything beside the store: it must never change."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "precious").write_text("untouched")

    def digest():
        found = hashlib.sha256()
        for path in sorted(tmp_path.rglob("*")):
            if path.is_relative_to(tmp_path / "data"):
                continue
            found.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        return found.hexdigest()

    return digest


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name, tmp_path, outside):
    store = BlobStore(tmp_path / "data" / "blobs")
    path = store.path(store.put_bytes(HOSTILE[name]).digest)
    before = outside()
    answer = examine({"what": "model", "path": str(path), "filename": "model.skops"})
    assert REASONS.get(name, "") in answer["refused"]
    assert outside() == before
    with pytest.raises(Invalid):  # at our own check, before any other reader sees it
        check_file(path)


def test_the_service_refuses_them_too(unmigrated, outside, refusal):
    store = BlobStore(unmigrated.blob_dir)
    before = outside()
    for name in ("climbs", "symbolic link", "bomb"):
        assert REASONS[name] in refusal(store.path(store.put_bytes(HOSTILE[name]).digest), "model.skops")
    assert outside() == before
    assert list(unmigrated.work_dir.iterdir()) == []


def test_something_before_the_archive_is_refused(tmp_path):
    path = artifacts.write(tmp_path / "model.skops", b"#!/bin/sh\n" + MODEL)
    with pytest.raises(Invalid, match="before or behind"):
        check_file(path)


def test_the_same_archive_untouched_is_accepted(tmp_path, unmigrated):
    """Positive control."""
    path = artifacts.write(tmp_path / "model.skops", MODEL)
    assert inspect_model(path, "model.skops", unmigrated).model_class == "LogisticRegression"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_big_real_models_stay_below_the_limits(compression, tmp_path):
    """The limits were set by measuring; 200 members would refuse a forest of 100 trees."""
    x, y = (part[:100] for part in artifacts.data())
    forest = RandomForestClassifier(110, random_state=0).fit(x, y)
    boosting = HistGradientBoostingClassifier(max_iter=180, early_stopping=False, random_state=0).fit(x, y)
    for model in (forest, boosting):
        path = tmp_path / "model.skops"
        skops.io.dump(model, path, compression=compression)
        check_file(path)
        with zipfile.ZipFile(path) as archive:
            assert len(archive.namelist()) > 500


def array_file(shape, data=b""):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def array_node(file):
    return {
        "__loader__": "NdArrayNode",
        "__module__": "numpy",
        "__class__": "ndarray",
        "type": "numpy",
        "file": file,
    }


def test_an_array_that_promises_terabytes_is_refused(tmp_path, reader):
    bomb = with_schema(array_node("1.npy"), {"1.npy": array_file((2**40,))})
    answer = reader.examine(artifacts.write(tmp_path / "model.skops", bomb))
    assert answer["outcome"] == "refused"
    assert "more memory" in answer["detail"]


def sparse_node(file):
    return {
        "__loader__": "SparseMatrixNode",
        "__module__": "scipy.sparse._csr",
        "__class__": "csr_matrix",
        "type": "scipy",
        "file": file,
    }


def test_an_archive_inside_the_archive_is_held_to_the_same_budget(tmp_path, monkeypatch):
    inner = io.BytesIO()
    np.savez_compressed(inner, data=np.zeros(4 * 1024**2), format=b"csr")
    path = artifacts.write(tmp_path / "model.skops", with_schema(sparse_node("1.npz"), {"1.npz": inner.getvalue()}))
    check_file(path)  # 32 MB are fine
    monkeypatch.setattr(skops_file, "MAX_TOTAL_BYTES", 16 * 1024**2)
    with pytest.raises(Invalid, match="unpacks to"):
        check_file(path)


def test_an_archive_inside_the_archive_must_not_climb_either(tmp_path):
    inner = zipped({"../data.npy": b""})
    path = artifacts.write(tmp_path / "model.skops", with_schema(sparse_node("1.npz"), {"1.npz": inner}))
    with pytest.raises(Invalid, match="no plain file"):
        check_file(path)


def test_sparse_neighbours_are_accepted_and_their_indices_checked(tmp_path, reader):
    x = OneHotEncoder().fit_transform([[i % 7] for i in range(40)])
    model = KNeighborsClassifier(algorithm="brute").fit(x, [i % 2 for i in range(40)])
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    assert reader.examine(path)["outcome"] == "predicted"
    model._fit_X = scipy.sparse.csr_matrix((x.data, x.indices + 10**6, x.indptr), shape=(40, 7), copy=False)
    skops.io.dump(model, path)
    assert reader.examine(path)["outcome"] == "refused"


def test_a_schema_that_is_endless_to_audit_is_stopped(tmp_path, refusal):
    """Forty lists that each hold the one before twice: small to read, 2^40 steps for who follows every path."""
    node = {"__loader__": "ListNode", "__module__": "builtins", "__class__": "list", "content": [], "__id__": 1}
    for level in range(2, 42):
        node = {**node, "content": [node, {"__id__": level - 1}], "__id__": level}
    path = artifacts.write(tmp_path / "model.skops", with_schema(node))
    assert "stopped after 6 s" in refusal(path, inspection_seconds=6)


def test_a_schema_nested_without_end_is_refused(tmp_path, reader):
    deep = json.dumps({"protocol": 2})[:-1] + ', "a": ' + "[" * 10**6 + "]" * 10**6 + "}"
    answer = reader.examine(artifacts.write(tmp_path / "model.skops", zipped({"schema.json": deep.encode()})))
    assert answer["outcome"] == "refused"
    assert "nested too deeply" in answer["detail"]
