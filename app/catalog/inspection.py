"""Looks into uploaded files, each in a limited process of its own: whatever a file does there, we live on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from app import sandbox
from app.config import Settings
from app.errors import Invalid, Unavailable

INSPECTOR = "app.catalog.inspector"
AT_ONCE = 2
"""Inspections that run at the same time; each may take ``inspection_memory_mb``."""

Facts = TypeVar("Facts")

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class ModelFacts:
    """``format``: skops or onnx. ``model_class``: the final estimator's class, or the last ONNX estimator operator.

    ``feature_names`` and ``n_features`` are None where the model does not tell.
    """

    format: str
    model_class: str
    classes: list[str | int | float | bool]
    feature_names: list[str] | None
    n_features: int | None


@dataclass(frozen=True)
class DatasetFacts:
    """``format``: parquet, csv or arrow. ``columns``: name -> Arrow type."""

    format: str
    rows: int
    columns: dict[str, str]


def inspect_model(path: Path, filename: str, settings: Settings) -> ModelFacts:
    """Load a model and say what it is.

    Args:
        filename: as the user calls it; its ending and the content must agree.

    Raises:
        Invalid: it is not accepted, cannot be read, or took its reader down; the reason names the file.
        Unavailable: too many inspections are waiting.
    """
    return checked(TypeAdapter(ModelFacts), _inspect("model", path, filename, settings), filename)


def inspect_dataset(path: Path, filename: str, settings: Settings) -> DatasetFacts:
    """Read a data set once, to its end, and say what is in it. Arguments and errors as ``inspect_model``."""
    return checked(TypeAdapter(DatasetFacts), _inspect("dataset", path, filename, settings), filename)


def _inspect(what: str, path: Path, filename: str, settings: Settings) -> Mapping[str, Any]:
    request = {"what": what, "path": str(path.resolve()), "filename": filename}
    with in_sandbox(INSPECTOR, request, filename, settings) as (answer, _):
        return answer


@contextmanager
def in_sandbox(
    module: str, request: dict[str, Any], filename: str, settings: Settings
) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """The answer of a process that looked into a file, and the folder in which it may have left others.

    Raises:
        Invalid: its reader took itself down; names the file.
        Unavailable: too many inspections are waiting.
    """
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.work_dir, prefix="inspection-", ignore_cleanup_errors=True) as folder:
        yield _call(module, request, filename, settings, Path(folder)), Path(folder)


def _call(
    module: str, request: dict[str, Any], filename: str, settings: Settings, folder: Path
) -> Mapping[str, Any]:
    if not _places.acquire(timeout=settings.inspection_seconds):
        raise Unavailable("Too many files are being looked into; try again in a moment.")
    try:
        return sandbox.call(
            module,
            request,
            seconds=settings.inspection_seconds,
            memory_mb=settings.inspection_memory_mb,
            folder=folder,
        )
    except sandbox.Stopped as stopped:
        raise Invalid(f"{filename}: the file could not be read, its reader was {stopped}") from stopped
    finally:
        _places.release()


def checked(kind: TypeAdapter[Facts], answer: Mapping[str, Any], filename: str) -> Facts:
    """The answer, which came from a process that read something strange, as what it must be."""
    if refused := answer.get("refused"):
        raise Invalid(str(refused))
    try:
        return kind.validate_python(answer.get("facts"))
    except ValidationError as error:
        raise Invalid(f"{filename}: the file could not be read, its reader answered nonsense") from error
