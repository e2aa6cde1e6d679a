"""bubblewrap: a command that an administrator named, in namespaces of its own.

The command sees the system's programs, what the administrator lists, its inputs and one folder to write to. It has
no network, no capability, no other process in sight, and nothing of the service's environment and files. It has the
limits of the process that starts it, and ends with it. Where the machine does not allow all that, nothing is run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app import sandbox
from app.engines.health import Health
from checks.contract import Missing

PROGRAM = "bwrap"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache")
WORK, INPUTS = "/job", "/data"
"""Where the command finds its folder and its inputs."""
ENVIRONMENT = {"HOME": WORK, "TMPDIR": WORK, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
NOBODY = "65534"
FIXED = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"),
    *("--new-session", "--die-with-parent", "--clearenv", "--proc", "/proc", "--dev", "/dev"),
)
SECONDS_TO_TRY = 10.0
HOW = "install bubblewrap (bwrap) on the workers, where the kernel allows user namespaces, or let CI train twice"


def run(
    command: Sequence[str], *, read: Iterable[str], inputs: Mapping[str, Path], folder: Path, seconds: float
) -> None:
    """Run ``command``, which may write to ``folder`` (its ``/job``) and read ``read`` and ``inputs``.

    Args:
        inputs: files by the name that they have below ``/data``.

    Raises:
        Missing: this machine does not isolate; the command was not run.
        sandbox.Stopped: it was killed after so many seconds, or ended with an error.
    """
    box = _box(read, inputs, folder)
    if problem := _problem(box, folder):
        raise Missing(f"isolation in which the service may train ({PROGRAM} {problem})", HOW)
    sandbox.run([*box, *command], seconds=seconds, folder=folder)


def health_check() -> Health:
    """Whether this machine isolates as ``run`` asks for."""
    with TemporaryDirectory() as folder:
        problem = _problem(_box((), {}, Path(folder)), Path(folder))
    return Health(PROGRAM, "isolates" if not problem else "", problem, HOW if problem else "")


def _problem(box: Sequence[str], folder: Path) -> str:
    """What keeps a box from being made, "" where nothing does."""
    try:
        sandbox.run([*box, "/usr/bin/true"], seconds=SECONDS_TO_TRY, folder=folder)
    except sandbox.Stopped as stopped:
        return ": ".join([str(stopped), *stopped.tail.splitlines()[-1:]])
    return ""


def _box(read: Iterable[str], inputs: Mapping[str, Path], folder: Path) -> list[str]:
    box = [shutil.which(PROGRAM) or PROGRAM, *FIXED]
    for name, value in ENVIRONMENT.items():
        box += ["--setenv", name, value]
    for path in SYSTEM:
        box += ["--ro-bind-try", path, path]
    for path in read:
        box += ["--ro-bind", path, path]
    for name, file in inputs.items():
        box += ["--ro-bind", str(file.resolve()), f"{INPUTS}/{name}"]
    box += ["--bind", str(folder.resolve()), WORK, "--remount-ro", "/", "--remount-ro", "/dev"]
    return [*box, "--chdir", WORK, "--"]
