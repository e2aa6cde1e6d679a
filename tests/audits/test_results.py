"""What leaves an attempt's folder: its own regular files, nothing that it points at."""

from __future__ import annotations

import os

import pytest

from app.audits.attempt import ExhibitFile, Found
from app.audits.results import store
from app.errors import Invalid, TooLarge


def finding(file):
    exhibit = ExhibitFile(name="table.csv", media_type="text/csv", file=file)
    return Found(check="DATA-1", verdict="pass", reason="Fine.", exhibits=[exhibit], measured={"n": 1}, seconds=0.5)


def test_exhibits_are_stored_by_content(tmp_path, blobs):
    (tmp_path / "DATA-1-1").write_bytes(b"a,b\n1,2\n")
    (row,), (stored,) = store([finding("DATA-1-1")], tmp_path, blobs)
    assert row["exhibits"] == [{"name": "table.csv", "media_type": "text/csv", "digest": stored.digest}]
    assert blobs.read(stored.digest) == b"a,b\n1,2\n"
    assert (row["check_id"], row["verdict"], row["measured"], row["cap"]) == ("DATA-1", "pass", {"n": 1}, None)


@pytest.mark.parametrize(
    "file", ["../secret", "/etc/hostname", "sub/file", "link", "folder", "pipe", "absent", ".", ""]
)
def test_nothing_else_is_stored(tmp_path, blobs, file):
    folder = tmp_path / "attempt"
    (folder / "sub").mkdir(parents=True)
    (folder / "folder").mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "sub" / "file").write_text("deep")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    before = sorted(blobs.folder.rglob("*"))
    with pytest.raises(Invalid, match="The exhibit"):
        store([finding(file)], folder, blobs)
    assert sorted(blobs.folder.rglob("*")) == before


def test_an_exhibit_has_a_largest_size(tmp_path, blobs):
    with (tmp_path / "big").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    with pytest.raises(TooLarge):
        store([finding("big")], tmp_path, blobs)
