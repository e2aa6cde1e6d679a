"""Which engines are there, in what version, and what is to be done about one that is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app.config import ROOT

BESIDE = ("duckdb", "evidently", "onnxruntime", "skops")
"""Engines in the service's own environment."""


@dataclass(frozen=True)
class Health:
    """An engine. ``problem`` is "" when it is well; ``remedy`` then too."""

    engine: str
    version: str = ""
    problem: str = ""
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


def python_of(engines: Path, engine: str) -> Path:
    """The interpreter of an engine that has an environment of its own, there or not."""
    return engines / engine / "bin" / "python"


def own_engines() -> list[Health]:
    """The engines that are installed with the service."""
    return [_installed(name) for name in BESIDE]


def _installed(name: str) -> Health:
    try:
        return Health(name, version(name))
    except PackageNotFoundError:
        return Health(name, problem="is not installed", remedy="make setup")


def install(engines: Path, engine: str) -> None:
    """Make the engine's environment anew from its lock, ``requirements/<engine>.txt``.

    Raises:
        subprocess.CalledProcessError: a step failed; it has told why on stderr.
    """
    folder, lock = engines / engine, ROOT / "requirements" / f"{engine}.txt"
    found = _uv()
    shutil.rmtree(folder, ignore_errors=True)
    python = str(python_of(engines, engine))
    if found:
        _step(found, "venv", "--quiet", "--python", sys.executable, str(folder))
        _step(found, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(lock))
    else:
        _step(sys.executable, "-m", "venv", str(folder))
        _step(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock))


def _uv() -> str | None:
    """The Makefile's own, else the one on the path."""
    own = ROOT / ".uv" / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv")


def _step(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - our own words only, and no shell
