"""The store keeps what it was given, whole, under its digest, and nothing outside ever reaches it by name."""

import errno
import hashlib
import os
import stat
import threading
import time

import pytest
from sqlmodel import select

from app.errors import AssayError, Invalid, NotFound, TooLarge, Unavailable
from app.evidence import blobs as module
from app.evidence.blobs import BlobStore, Stored, remember
from app.tables import Blob

CONTENT = b"rows and columns" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "blobs")


def files(store):
    return sorted(str(path.relative_to(store.folder)) for path in store.folder.rglob("*") if not path.is_dir())


def test_content_comes_back_under_its_digest(store):
    assert store.put([CONTENT[:7], b"", CONTENT[7:]]) == Stored(DIGEST, len(CONTENT))
    assert store.read(DIGEST) == CONTENT
    assert store.path(DIGEST).read_bytes() == CONTENT
    assert store.has(DIGEST)
    assert not store.has(OTHER)
    assert files(store) == [f"{DIGEST[:2]}/{DIGEST}"]


def test_files_are_read_only(store):
    store.put_bytes(CONTENT)
    assert stat.S_IMODE(store.path(DIGEST).stat().st_mode) == 0o444


def test_the_same_content_is_stored_once(store):
    store.put_bytes(CONTENT)
    inode = store.path(DIGEST).stat().st_ino
    store.put_bytes(CONTENT)
    assert store.path(DIGEST).stat().st_ino == inode
    assert len(files(store)) == 1


def test_a_limit_counts_bytes_as_they_arrive(store):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield b"x" * 1000

    with pytest.raises(TooLarge):
        store.put(endless(), limit=10_000)
    assert len(taken) == 11
    assert files(store) == []
    assert store.put([b"x" * 10_000], limit=10_000).size == 10_000


def test_an_announced_digest_must_be_right(store):
    with pytest.raises(Invalid, match=DIGEST):
        store.put([CONTENT], expect=OTHER)
    assert files(store) == []
    assert store.put([CONTENT], expect=DIGEST).digest == DIGEST


def test_an_upload_that_breaks_off_leaves_nothing(store):
    def broken():
        yield CONTENT
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        store.put(broken())
    assert files(store) == []


def test_a_full_disk_is_unavailable_and_recovers(store, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="disk is full"):
            store.put_bytes(CONTENT)
    assert files(store) == []
    assert store.put_bytes(CONTENT).digest == DIGEST


def test_content_reaches_the_disk_before_its_name(store, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(files(store)), fsync(descriptor)))
    store.put_bytes(CONTENT)
    assert all(name.startswith("incoming/") for name in synced[0])
    assert [f"{DIGEST[:2]}/{DIGEST}"] in synced[1:]  # and the folder after it


def test_leftovers_of_killed_processes_go_and_fresh_ones_stay(store):
    old, fresh = store.folder / "incoming" / "old.part", store.folder / "incoming" / "fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    long_ago = time.time() - module.ABANDONED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    BlobStore(store.folder)
    assert files(store) == ["incoming/fresh.part"]


def test_damage_is_noticed_and_putting_again_heals_a_shortened_file(store):
    store.put_bytes(CONTENT)
    path = store.path(DIGEST)
    path.chmod(0o644)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(AssayError, match="damaged"):
        store.read(DIGEST)
    store.put_bytes(CONTENT)
    assert store.read(DIGEST) == CONTENT


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(CONTENT)
    return path


def test_a_planted_link_is_no_blob(store, secret):
    place = store.folder / DIGEST[:2] / DIGEST
    place.parent.mkdir()
    place.symlink_to(secret)
    assert not store.has(DIGEST)
    for reading in (store.path, store.read):
        with pytest.raises(NotFound):
            reading(DIGEST)
    store.put_bytes(CONTENT)
    assert not place.is_symlink()
    assert secret.read_bytes() == CONTENT


def test_a_planted_link_to_a_folder_is_not_written_through(store, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store.folder / DIGEST[:2]).symlink_to(elsewhere)
    with pytest.raises(AssayError, match="symbolic link"):
        store.put_bytes(CONTENT)
    (elsewhere / DIGEST).write_bytes(CONTENT)
    assert not store.has(DIGEST)
    assert files(store) == []


NAMES = [
    "../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "//proc/self/cwd/../etc/passwd",
    "/proc/self/environ",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "..;/..;/etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1/#/../../etc/passwd",
    "#/../../etc/passwd",
    "?/../../etc/passwd",
    "~/.ssh/id_rsa",
    "incoming/../../secret",
    "",
    ".",
    "..",
    "\0",
    f"{DIGEST}\0.txt",
    f"{DIGEST}/",
    f"{DIGEST}\n",
    f"{DIGEST}#",
    f"./{DIGEST}",
    f"{DIGEST[:2]}/{DIGEST}",
    DIGEST.upper(),
    DIGEST[:63],
    DIGEST + "0",
    "sha256:" + DIGEST,
    "\u0660" * 64,
    "g" * 64,
]


@pytest.mark.parametrize("name", NAMES)
def test_only_a_digest_is_a_name(store, name):
    store.put_bytes(CONTENT)
    assert not store.has(name)
    for reading in (store.path, store.read):
        with pytest.raises(NotFound):
            reading(name)
    assert store.path(DIGEST).is_file()  # and that works


def test_many_writers_of_the_same_content(store):
    failures = []

    def put():
        try:
            for _ in range(20):
                assert store.put_bytes(CONTENT).digest == DIGEST
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert files(store) == [f"{DIGEST[:2]}/{DIGEST}"]


def test_a_blob_is_remembered_once(database):
    stored = Stored(DIGEST, len(CONTENT))
    for _ in range(2):
        with database.write() as session:
            remember(session, stored)
            remember(session, stored)
    with database.read() as session:
        assert [(row.digest, row.size) for row in session.exec(select(Blob))] == [(DIGEST, len(CONTENT))]
