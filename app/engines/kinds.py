"""What a file is, by its content. Nothing here parses more than a few kB, and nothing is executed."""

from __future__ import annotations

import bz2
import lzma
import pickletools
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import BadZipFile, ZipFile

HEAD_BYTES = 64 * 1024
LZMA_MEMORY = 128 * 1024**2
FEWEST_OPCODES = 5

EXTENSIONS = {
    ".skops": "skops",
    ".onnx": "onnx",
    ".parquet": "parquet",
    ".csv": "csv",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json-lines",
    ".ndjson": "json-lines",
}

NAMES = {
    "skops": "skops",
    "onnx": "ONNX",
    "parquet": "Parquet",
    "csv": "CSV",
    "arrow": "Arrow",
    "json-lines": "JSON lines",
    "empty": "nothing: the file is empty",
    "unknown": "something that is not recognised",
    "pickle": "a pickle/joblib file",
    "torch": "a PyTorch archive with a pickle inside",
    "numpy-pickle": "a NumPy file with a pickle inside",
    "numpy": "a NumPy array",
    "npz": "a NumPy archive",
    "keras": "a Keras archive",
    "zip": "a ZIP archive without a skops schema",
    "broken-zip": "a truncated or damaged ZIP archive",
    "hdf5": "an HDF5 (Keras) file",
    "tflite": "a TensorFlow Lite model",
    "feather1": "a Feather file of version 1",
    "encrypted-parquet": "an encrypted Parquet file",
    "compressed": "a compressed file",
}
PICKLES = ("pickle", "torch", "numpy-pickle")

_MAGIC = {
    b"PAR1": "parquet",
    b"PARE": "encrypted-parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    b"FEA1": "feather1",
    b"\x89HDF\r\n\x1a\n": "hdf5",
}


def _zlib(head: bytes) -> bytes:
    return zlib.decompressobj().decompress(head, HEAD_BYTES)


def _gzip(head: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)


def _bz2(head: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(head, HEAD_BYTES)


def _lzma(head: bytes) -> bytes:
    return lzma.LZMADecompressor(memlimit=LZMA_MEMORY).decompress(head, HEAD_BYTES)


_COMPRESSIONS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ": _lzma,
    b"\x5d\x00\x00": _lzma,
    b"x\x01": _zlib,
    b"x\x5e": _zlib,
    b"x\x9c": _zlib,
    b"x\xda": _zlib,
}
LZ4 = b"\x04\x22\x4d\x18"


def recognise(path: Path) -> str:
    """A key of ``NAMES``. ONNX, CSV and JSON lines have no mark of their own: such files are "unknown"."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return "empty"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(path)
    if head.startswith(b"\x93NUMPY"):
        return "numpy-pickle" if b"|O" in head[:512] else "numpy"
    if head[4:8] == b"TFL3":
        return "tflite"
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    return "pickle" if _begins_pickle(head) else _compressed(head)


def looks_like_text_pickle(path: Path) -> bool:
    """A pickle of protocol 0 or 1 has no mark: true when its first bytes read as a series of opcodes."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    opcodes = 0
    try:
        for opcode, _, _ in pickletools.genops(head):
            opcodes += 1
            if opcode.name == "STOP":
                return opcodes > 1
    except Exception:  # noqa: BLE001 - cut off inside an opcode, or no pickle at all
        return opcodes >= FEWEST_OPCODES
    return False


def _begins_pickle(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0x80 and head[1] in range(2, 6)


def _compressed(head: bytes) -> str:
    """What a compressed file holds: joblib compresses the whole pickle."""
    if head.startswith(LZ4):
        return "compressed"
    for magic, decompress in _COMPRESSIONS.items():
        if head.startswith(magic):
            try:
                return "pickle" if _begins_pickle(decompress(head)) else "compressed"
            except (zlib.error, OSError, EOFError, lzma.LZMAError):
                continue
    return "unknown"


def _zip(path: Path) -> str:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return "broken-zip"
    if "schema.json" in names:
        return "skops"
    if any(name.endswith("data.pkl") for name in names):
        return "torch"
    if "model.weights.h5" in names:
        return "keras"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"
