"""What a file is, told from its first bytes."""

import pickle

import pytest

from app.engines.kinds import NAMES, looks_like_text_pickle, recognise


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "unknown"),
        (b"PK,amount\n1,2\n", "unknown"),
        (b"BZh,amount\n1,2\n", "unknown"),
        (b"x^2,y\n1,2\n", "unknown"),
        (b"\x08\x08\x12\x04test", "unknown"),
        (b"PAR1" + bytes(20) + b"PAR1", "parquet"),
        (b"PARE" + bytes(20) + b"PARE", "encrypted-parquet"),
        (b"ARROW1\0\0" + bytes(20), "arrow"),
        (b"\xff\xff\xff\xff" + bytes(20), "arrow"),
        (b"FEA1" + bytes(20), "feather1"),
        (b"PK\x03\x04" + bytes(40), "broken-zip"),
        (b"\x04\x22\x4d\x18" + bytes(20), "compressed"),
    ],
)
def test_by_its_mark(content, kind, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert recognise(path) == kind
    assert kind in NAMES


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"id,income\n1,2\n", b"region\nnorth\n", b"<xml/>", b"{}", b""])
def test_ordinary_text_is_no_pickle(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not looks_like_text_pickle(path)


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], {"big": list(range(50_000))}])
def test_old_pickles_are_told_without_a_mark(protocol, value, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(pickle.dumps(value, protocol))
    assert recognise(path) == "unknown"
    assert looks_like_text_pickle(path)
