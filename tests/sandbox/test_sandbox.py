"""What a child may do, what stops it, and what its parent hears."""

import resource
import time

import pytest

from app import sandbox

CHILD = "tests.sandbox.child"


@pytest.fixture
def do(tmp_path):
    def call(action, argument=None, *, seconds=20, memory_mb=1024):
        request = {"do": action, "with": argument}
        return sandbox.call(CHILD, request, seconds=seconds, memory_mb=memory_mb, folder=tmp_path)["result"]

    return call


def test_an_answer_comes_back(do):
    assert do("burn", 0) == "burnt"


def test_the_environment_is_empty_and_the_folder_too(do, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://user:secret@host/db")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    seen = do("surroundings")
    allowed = set(sandbox._environment(tmp_path)) | {"LC_CTYPE"}
    assert set(seen["environment"]) <= allowed
    assert seen["folder"] == str(tmp_path.resolve())
    assert seen["files"] == []
    assert "/somewhere" not in seen["path"]
    assert "" not in seen["path"]


def test_memory_is_limited(do):
    assert do("memory", 100) == 100 * 1024 * 1024
    with pytest.raises(sandbox.Stopped, match="exit code 1") as stopped:
        do("memory", 2000)
    assert "MemoryError" in stopped.value.tail


def test_written_files_are_limited(do):
    assert do("write", 1) == 1024 * 1024
    with pytest.raises(sandbox.Stopped) as stopped:
        do("write", sandbox.FILE_MB + 1)
    assert "File too large" in stopped.value.tail


def test_open_files_are_limited(do):
    assert do("open_files", 100) == 100
    with pytest.raises(sandbox.Stopped) as stopped:
        do("open_files", sandbox.OPEN_FILES)
    assert "Too many open files" in stopped.value.tail


def test_wall_clock_time_is_limited(do):
    started = time.monotonic()
    with pytest.raises(sandbox.Stopped, match=r"stopped after 0\.5 s"):
        do("sleep", 60, seconds=0.5)
    assert time.monotonic() - started < 10


def test_cpu_time_is_limited_without_the_parent(tmp_path):
    request = {"do": "burn", "with": 60}
    process = sandbox.spawn(CHILD, request, memory_mb=1024, folder=tmp_path, cpu_seconds=1)
    code = process.wait(timeout=20)
    sandbox.kill(process)
    assert sandbox.ending(code) == "ended by SIGXCPU"


def test_what_a_child_started_ends_with_it(do, tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(sandbox.Stopped):
        do("grandchild", str(mark), seconds=1)
    time.sleep(2)
    assert not mark.exists()


def test_a_crash_is_told_with_the_last_words(do):
    with pytest.raises(sandbox.Stopped, match="ended by SIGSEGV") as stopped:
        do("crash")
    assert "about to fall" in stopped.value.tail


def test_an_exit_code_and_an_unreadable_answer_are_no_answer(do):
    with pytest.raises(sandbox.Stopped, match="exit code 3"):
        do("leave", 3)
    with pytest.raises(sandbox.Stopped, match="without an answer"):
        do("garbage")


def test_what_libraries_print_does_not_spoil_the_answer(do):
    assert do("chatter") == "answered"


def test_spawn_streams_and_keeps_stderr_after_kill(tmp_path):
    request = {"do": "chatter"}
    process = sandbox.spawn(CHILD, request, memory_mb=1024, folder=tmp_path, cpu_seconds=10)
    assert process.stdout.read() == b'{"result": "answered"}'
    process.wait()
    sandbox.kill(process)
    sandbox.kill(process)  # harmless
    assert process.tail().splitlines() == ["to stdout", "from C", "the last words"]


def test_the_parent_is_not_limited(do):
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    before = [resource.getrlimit(kind) for kind in kinds]
    do("burn", 0)
    assert [resource.getrlimit(kind) for kind in kinds] == before
