"""Lists of deleted ids and of who may read what: what they say, and what is refused."""

import hashlib

import pytest

from app.errors import Invalid
from app.evidence import access_list, deleted_ids


def hashed(*ids):
    return frozenset(hashlib.sha256(one.encode()).hexdigest() for one in ids)


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"", ()),
        (b"17\n42\n", ("17", "42")),
        (b"\xef\xbb\xbf17\r\n\r\n 42 \r\n", ("17", "42")),
        (b'"17",2024-05-01\n42,2024-05-02', ("17", "42")),
        ("Zoë".encode(), ("Zoë",)),
    ],
)
def test_ids_become_hashes(content, ids):
    assert deleted_ids.parse(content) == hashed(*ids)


def test_a_hash_stands_for_itself_in_either_case():
    (one,) = hashed("17")
    assert deleted_ids.parse(f"{one}\n{one.upper()}".encode()) == {one}


@pytest.mark.parametrize("content", [b"17\n\xff\n", b"17\n" + b"x" * 501])
def test_what_is_no_list_is_refused_by_line_without_quoting_it(content):
    with pytest.raises(Invalid) as caught:
        deleted_ids.parse(content)
    assert caught.value.errors[0].line == 2
    assert not any(part in str(caught.value) for part in ("17", "xxx", "xff"))


def test_layers_become_sets_of_principals():
    layers = access_list.parse(b'{"raw": ["a", "b", "a"], "features": [" a "]}')
    assert layers == {"raw": {"a", "b"}, "features": {"a"}}


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"nonsense", ""),
        (b'{"raw": ["a"]}', None),
        (b'{"training": ["a"]}', "raw"),
        (b'{"raw": ["a"], "training": "eve@example.com"}', "training"),
        (b'{"raw": ["a"], "training": ["eve@example.com", ""]}', "training.1"),
        (b'{"raw": ["a"], "trainning": []}', "trainning"),
    ],
)
def test_what_is_no_access_list_is_refused_by_path_without_quoting_it(content, path):
    with pytest.raises(Invalid) as caught:
        access_list.parse(content)
    if path is not None:
        assert caught.value.errors[0].path == path
    assert "eve" not in str(caught.value)
