"""Processes in which hands are laid on what came from outside: own limits, empty environment, own group.

The parent calls ``call`` (one answer) or ``spawn`` (answers as they come). The child's main begins with
``confine_from_arguments``, before anything heavy is imported. A child that crashes, hangs or eats memory costs
itself only. It is no jail against code: nothing that is uploaded may ever be run as code, here neither.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

MEGABYTE = 1024 * 1024
FILE_MB = 256
"""The largest file that a child may write."""
OPEN_FILES = 256
TAIL_BYTES = 4096
LONGEST_ANSWER = 16 * MEGABYTE
LIFELONG = 10 * 365 * 86_400
"""Seconds of CPU time that nothing will use up."""


class Stopped(Exception):
    """The child gave no answer. ``str()`` says how it ended, ``tail`` is the end of its stderr."""

    def __init__(self, how: str, tail: str = "") -> None:
        super().__init__(how)
        self.tail = tail


class Child(subprocess.Popen[bytes]):
    """A running child. ``tail()`` is the end of what it wrote to stderr, also after ``kill``."""

    _stderr_file: IO[bytes]
    _tail: str | None = None

    def tail(self) -> str:
        if self._tail is not None:
            return self._tail
        descriptor = self._stderr_file.fileno()  # its offset is the child's too: never seek
        start = max(0, os.fstat(descriptor).st_size - TAIL_BYTES)
        return os.pread(descriptor, TAIL_BYTES, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Keep the tail and let go of the files."""
        if self._tail is None:
            self._tail = self.tail()
            self._stderr_file.close()
        if self.stdout is not None:
            self.stdout.close()
        if self.stdin is not None:
            with suppress(BrokenPipeError):
                self.stdin.close()


def call(module: str, request: dict[str, Any], *, seconds: float, memory_mb: int, folder: Path) -> dict[str, Any]:
    """Run a module's main once: ``request`` as JSON on stdin, one JSON object on stdout.

    Args:
        seconds: wall-clock time, after which the child and all that it started are killed.
        memory_mb: its address space.
        folder: its working directory and HOME.

    Raises:
        Stopped: killed, crashed, or ended without an answer.
    """
    with TemporaryFile(dir=folder) as stdout:
        process = _start(module, request, memory_mb, folder, cpu_seconds=int(seconds) + 1, stdout=stdout)
        _await(process, seconds)
        stdout.seek(0)
        content = stdout.read(LONGEST_ANSWER)
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Stopped("ended without an answer that can be read", process.tail())
    return answer


def run(
    command: Sequence[str], *, seconds: float, folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program of another environment, without a shell, under the limits of this process.

    Args:
        folder: its working directory and HOME.
        environment: beside the few variables that every child gets.

    Returns:
        The start of what it wrote to stdout.

    Raises:
        Stopped: it cannot be started, was killed after so many seconds, or ended with an error.
    """
    with TemporaryFile(dir=folder) as stdout:
        try:
            process = _open(command, subprocess.DEVNULL, stdout, folder, environment or {})
        except OSError as error:
            raise Stopped(f"cannot be started: {error}") from None
        _await(process, seconds)
        stdout.seek(0)
        return stdout.read(TAIL_BYTES).decode(errors="replace")


def _await(process: Child, seconds: float) -> None:
    """Wait for the child's end, at most so long. Raises Stopped."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Stopped(f"stopped after {seconds:g} s", process.tail()) from None
    finally:
        kill(process)
    if process.returncode != 0:
        raise Stopped(ending(process.returncode), process.tail())


def spawn(module: str, request: dict[str, Any], *, memory_mb: int, folder: Path, cpu_seconds: int) -> Child:
    """Start a module's main: ``request`` as JSON on its stdin, its answers on ``stdout``. End it with ``kill``."""
    return _start(module, request, memory_mb, folder, cpu_seconds=cpu_seconds, stdout=subprocess.PIPE)


def converse(module: str, *, memory_mb: int, folder: Path) -> Child:
    """Start a module's main that lives on and answers what it is asked, a line each: ``stdin`` stays open.

    Its CPU time has no end; whoever asks bounds each answer. It has to end when its stdin does.
    """
    command = [sys.executable, "-I", "-m", module, str(memory_mb), str(LIFELONG)]
    return _open(command, subprocess.PIPE, subprocess.PIPE, folder, {})


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started. Harmless when it has ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if isinstance(process, Child):
        process.close()


def ending(code: int) -> str:
    """How a process ended, in words: "ended by SIGSEGV"."""
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def confine(memory_mb: int, cpu_seconds: int, file_mb: int = FILE_MB) -> None:
    """Limit this process, for good: address space, CPU time, size of written files, open files, no core dump."""
    _limit(resource.RLIMIT_AS, memory_mb * MEGABYTE)
    _limit(resource.RLIMIT_CPU, cpu_seconds, grace=1)  # SIGXCPU first, which tells more than SIGKILL
    _limit(resource.RLIMIT_FSIZE, file_mb * MEGABYTE)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)


def confine_from_arguments(arguments: Sequence[str] | None = None) -> None:
    """``confine`` with the limits that the parent put on the command line."""
    memory_mb, cpu_seconds = sys.argv[1:3] if arguments is None else arguments
    confine(int(memory_mb), int(cpu_seconds))


def take_stdout() -> IO[bytes]:
    """The stream for answers, which is stdout kept apart: what libraries print, from C too, goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def _limit(kind: int, value: int, grace: int = 0) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value, grace = min(value, hard), min(grace, max(0, hard - value))
    resource.setrlimit(kind, (value, value + grace))


def _start(
    module: str,
    request: dict[str, Any],
    memory_mb: int,
    folder: Path,
    *,
    cpu_seconds: int,
    stdout: IO[bytes] | int,
) -> Child:
    with TemporaryFile(dir=folder) as stdin:
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        command = [sys.executable, "-I", "-m", module, str(memory_mb), str(cpu_seconds)]
        return _open(command, stdin, stdout, folder, {})


def _open(
    command: Sequence[str],
    stdin: IO[bytes] | int,
    stdout: IO[bytes] | int,
    folder: Path,
    environment: Mapping[str, str],
) -> Child:
    stderr = TemporaryFile(dir=folder)  # noqa: SIM115 - Child.close() closes it
    try:
        process = Child(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env={**_environment(folder), **environment},
            start_new_session=True,
        )
    except OSError:
        stderr.close()
        raise
    process._stderr_file = stderr  # noqa: SLF001 - set once, here
    return process


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the service's own environment: it holds addresses and secrets."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "DO_NOT_TRACK": "1",
    }
