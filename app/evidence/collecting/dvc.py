"""DVC, from its files: ``dvc.yaml`` declares stages, ``dvc.lock`` records what they last read and wrote.

Formats: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from app.errors import Invalid
from app.evidence.documents import Source
from app.evidence.pipeline_runs import PipelineRunsForm, RunForm, StageForm, State, Trigger

TEMPLATE = "${"
"""Opens what DVC fills in; only the lock knows what became of it."""
TEXT_SUFFIXES = frozenset({".json", ".yaml", ".yml"})


def pipeline_runs(
    folder: Path, pipeline: str, trigger: Trigger = "unknown", finished_at: datetime | None = None
) -> PipelineRunsForm:
    """The pipeline as it lies in ``folder``: one run, whole when every declared stage is up to date.

    Args:
        finished_at: when it last ran. DVC does not record it; by default when ``dvc.lock`` last changed, in git's
            history, or on the disk where it differs from that.

    Raises:
        Invalid: there is no pipeline there, or its files cannot be read.
    """
    declared = mapping(_yaml(folder / "dvc.yaml"), "stages")
    locked = mapping(_yaml(folder / "dvc.lock"), "stages")
    stages = [_stage(folder, name, declared[name], locked) for name in declared]
    states = {one.state for one in stages}
    state: State = next((one for one in ("failed", "unknown") if one in states), "succeeded")
    lock = (folder / "dvc.lock").read_bytes()
    run = RunForm(
        id=f"dvc.lock {hashlib.sha256(lock).hexdigest()[:12]}",
        trigger=trigger,
        orchestrated=False,
        state=state,
        finished_at=finished_at or _changed_at(folder),
        stages=stages,
        metrics=dict(_metrics(folder, declared)),
    )
    return PipelineRunsForm(source=Source(tool="dvc", name="dvc.yaml"), pipeline=pipeline, runs=[run])


def _yaml(path: Path) -> Any:
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise Invalid(f"{path}: there is no such file; run `dvc repro` there") from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{path}: not readable: {error}") from error


def parsed(text: str, where: str) -> Any:
    """YAML, or JSON, which is YAML. Raises Invalid."""
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise Invalid(f"{where}: not readable: {error}") from error


def mapping(given: Any, key: str) -> dict[str, Any]:
    value = given.get(key) if isinstance(given, dict) else None
    if not isinstance(value, dict) or not value:
        raise Invalid(f"DVC's files declare no {key}")
    return value


def _stage(folder: Path, name: str, declared: Any, locked: Mapping[str, Any]) -> StageForm:
    """Up to date or not, and why. A stage of several items (foreach, matrix) is all of them."""
    stage = declared if isinstance(declared, dict) else {}
    several = "foreach" in stage or "matrix" in stage
    found = {key: one for key, one in locked.items() if key == name or (several and key.startswith(f"{name}@"))}
    absent = [key for key in _items(name, stage) if key not in found]
    if absent or not found:
        return StageForm(name=name, state="failed", detail=f"dvc.lock does not have {', '.join(absent) or name}")
    own = stage.get("do", stage)
    root = folder / str(own.get("wdir", "."))
    differences = [one for part in found.values() for one in _differences(root, own, part)]
    state, detail = min(differences, key=lambda one: one[0] != "failed", default=("succeeded", ""))
    return StageForm(name=name, state=state, detail=detail[:1000])


def _items(name: str, stage: Mapping[str, Any]) -> list[str]:
    """The names in the lock of a stage over plain items; of other stages only the lock knows them."""
    items = stage.get("foreach")
    plain = isinstance(items, dict) or (isinstance(items, list) and not any(isinstance(i, dict) for i in items))
    return [f"{name}@{item}" for item in items] if plain and items else []


Difference = tuple[State, str]


def _differences(root: Path, declared: Mapping[str, Any], locked: Mapping[str, Any]) -> Iterator[Difference]:
    command = declared.get("cmd")
    if isinstance(command, str) and TEMPLATE not in command and command != locked.get("cmd"):
        yield "failed", "its command changed since it ran"
    recorded = [one for part in ("deps", "outs") for one in locked.get(part) or ()]
    known = {one["path"] for one in recorded}
    for path in (one for part in ("deps", "outs", "metrics", "plots") for one in paths(declared.get(part))):
        if TEMPLATE not in path and path not in known:
            yield "failed", f"{path} was declared since it ran"
    for one in recorded:
        yield from _changed(root / one["path"], one)
    for file, values in (locked.get("params") or {}).items():
        current = _parameters(root / file)
        for key, value in values.items():
            if current is not None and _at(current, key) != value:
                yield "failed", f"the parameter {key} of {file} changed since it ran"


def _changed(path: Path, recorded: Mapping[str, Any]) -> Iterator[Difference]:
    name, digest = recorded["path"], _digest(path)
    if digest is None:
        yield "unknown", f"{name} is not here; `dvc pull` fetches it"
    elif "md5" not in recorded:
        yield "unknown", f"{name} has no md5 in dvc.lock"
    elif digest != recorded["md5"]:
        yield "failed", f"{name} is another than when it ran"


def paths(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else ():
        yield from entry if isinstance(entry, dict) else [str(entry)]


def _digest(path: Path) -> str | None:
    """As DVC computes it: of a folder, the md5 of its sorted listing as JSON, with ``.dir``; None: not there."""
    if path.is_file():
        with path.open("rb") as file:
            return str(hashlib.file_digest(file, _md5).hexdigest())
    if not path.is_dir():
        return None
    files = sorted((one.relative_to(path).parts, one) for one in path.rglob("*") if one.is_file())
    listing = [{"md5": _digest(one), "relpath": "/".join(parts)} for parts, one in files]
    return f"{_md5(json.dumps(listing, sort_keys=True).encode()).hexdigest()}.dir"


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)


def _parameters(path: Path) -> Any:
    """Of a YAML or JSON file; None for other forms, whose values are not compared."""
    return _yaml(path) if path.suffix in TEXT_SUFFIXES and path.is_file() else None


def _at(values: Any, key: str) -> Any:
    """The value at a dotted key."""
    for part in key.split("."):
        if isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, dict):
            values = values.get(part)
        else:
            return None
    return values


def _metrics(folder: Path, declared: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Numbers in the metrics files of all stages, by file and dotted key."""
    for stage in declared.values():
        own = stage.get("do", stage) if isinstance(stage, dict) else {}
        root = folder / str(own.get("wdir", "."))
        for path in paths(own.get("metrics")):
            if (root / path).suffix in TEXT_SUFFIXES and (root / path).is_file():
                yield from numbers(path, _yaml(root / path))


def numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(f"{name}:{key}" if ":" not in name else f"{name}.{key}", one)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
        yield name[:250], float(value)


def _changed_at(folder: Path) -> datetime:
    written = datetime.fromtimestamp((folder / "dvc.lock").stat().st_mtime, UTC)
    if _git(folder, "status", "--porcelain", "--", "dvc.lock") != "":
        return written
    committed = _git(folder, "log", "-1", "--format=%cI", "--", "dvc.lock")
    return datetime.fromisoformat(committed) if committed else written


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it says nothing of the folder."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
