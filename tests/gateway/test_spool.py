"""When a line counts as written."""

from __future__ import annotations

import json
import os
import stat

import pytest

from app.errors import Unavailable
from app.gateway.spool import Spool


@pytest.fixture
def synced(monkeypatch):
    """What was waited for, "folder" or the size of the file at that moment."""
    seen, real = [], os.fsync

    def fsync(descriptor):
        found = os.fstat(descriptor)
        seen.append("folder" if stat.S_ISDIR(found.st_mode) else found.st_size)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def line(number):
    return {"id": str(number)}


def test_strict_waits_for_the_disk_with_every_answer_and_for_the_files_name(tmp_path, synced):
    spool = Spool(tmp_path, strict=True)
    spool.append([line(1)])
    size = next(tmp_path.glob("*.jsonl")).stat().st_size
    assert synced == ["folder", size]
    spool.append([line(2), line(3)])
    assert synced == ["folder", size, 3 * size]


def test_standard_does_not_wait(tmp_path, synced):
    Spool(tmp_path, strict=False).append([line(1)])
    assert synced == []


def test_a_disk_that_does_not_take_a_line_leaves_none_and_the_next_is_whole(tmp_path, monkeypatch):
    spool = Spool(tmp_path, strict=True)
    spool.append([line(1)])

    def broken(_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(Unavailable, match="cannot be logged, so it is not given: Input/output error"):
            spool.append([line(2)])
    spool.append([line(3)])
    lines = next(tmp_path.glob("*.jsonl")).read_bytes().splitlines()
    assert [json.loads(one)["id"] for one in lines] == ["1", "3"]
