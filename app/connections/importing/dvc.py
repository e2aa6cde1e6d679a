"""What DVC recorded in a repository's history: each commit that changed ``dvc.lock`` is a run of the pipeline.

Formats: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from app.connections.importing import identified
from app.connections.importing.git import require_ref
from app.errors import Invalid
from app.evidence.collecting import dvc
from app.evidence.collecting.git import Repository
from app.ledger.events import MOST_ITEMS, PipelineRunEvent, Stage, State, Trigger

Lock = Mapping[str, Mapping[str, Any]]
MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Source:
    """What is read.

    Args:
        folder: where ``dvc.yaml`` and ``dvc.lock`` lie.
        data: paths of the training data among the stages' dependencies; empty: all that no stage made and git does
            not hold, which leaves out code.
        evaluation: the path of the data that the metrics are of.
    """

    folder: Path
    pipeline: str
    branch: str
    data: Sequence[str] = ()
    evaluation: str | None = None
    model: str | None = None
    trigger: Trigger = "unknown"
    most: int = 200

    def events(self) -> list[PipelineRunEvent]:
        """The newest runs, newest first.

        Raises:
            Invalid: no repository, no such branch, or no ``dvc.lock`` in its history.
        """
        repository = Repository(self.folder)
        ref = require_ref(repository, self.branch)
        asked = ("log", f"--max-count={self.most}", "--format=%H %cI", ref, "--", "dvc.lock")
        changes = [line.split(" ") for line in repository.ask(*asked).splitlines()]
        runs = [
            self._run(repository, commit, at) for commit, at in changes if _held(repository, commit, "dvc.lock")
        ]
        if not runs:
            raise Invalid(f"no commit of {self.branch} holds a dvc.lock in {self.folder}")
        return runs

    def _run(self, repository: Repository, commit: str, at: str) -> PipelineRunEvent:
        declared = dvc.mapping(_read(repository, commit, "dvc.yaml"), "stages")
        locked: Lock = dvc.mapping(_read(repository, commit, "dvc.lock"), "stages")
        stages = [_stage(name, locked) for name in declared]
        whole = all(one.state == "succeeded" for one in stages)
        state: State = "succeeded" if whole else "unknown"
        event = PipelineRunEvent(
            kind="pipeline_run",
            id="-",
            at=datetime.fromisoformat(at),
            run=f"dvc {commit}",
            pipeline=self.pipeline,
            state=state,
            trigger=self.trigger,
            tool="dvc",
            commit=commit,
            branch=self.branch,
            data_digest=_digest(self._data(repository, commit, locked)),
            evaluation_digest=_digest([one for one in _deps(locked) if one["path"] == self.evaluation]),
            stages=stages,
            parameters=dict(list(_parameters(locked).items())[:MOST_ITEMS]),
            metrics=dict(list(_metrics(repository, commit, declared).items())[:MOST_ITEMS]),
            model=self.model,
        )
        return identified(event, commit)

    def _data(self, repository: Repository, commit: str, locked: Lock) -> list[Mapping[str, Any]]:
        made = {one["path"] for stage in locked.values() for one in stage.get("outs") or ()}
        deps = {one["path"]: one for one in _deps(locked)}
        if self.data:
            return [deps[path] for path in self.data if path in deps]
        return [one for path, one in deps.items() if path not in made and not _held(repository, commit, path)]


def _read(repository: Repository, commit: str, path: str) -> Any:
    """A file of the folder as it was at a commit. Raises Invalid: it was not there, or cannot be read."""
    return dvc.parsed(repository.ask("show", f"{commit}:./{path}"), f"{path} at {commit[:12]}")


def _held(repository: Repository, commit: str, path: str) -> bool:
    return bool(repository.ask("ls-tree", "-d" if path.endswith("/") else "-r", commit, "--", path).strip())


def _stage(name: str, locked: Lock) -> Stage:
    """A stage of several items (foreach, matrix) is all of them."""
    found = [one for key, one in locked.items() if key == name or key.startswith(f"{name}@")]
    outputs = [
        f"{out['path']} {out.get('md5', '')}".strip()[:1000] for one in found for out in one.get("outs") or ()
    ]
    return Stage(name=name[:250], state="succeeded" if found else "unknown", outputs=outputs[:MOST_ITEMS])


def _deps(locked: Lock) -> list[Mapping[str, Any]]:
    return [one for stage in locked.values() for one in stage.get("deps") or ()]


def _digest(data: Sequence[Mapping[str, Any]]) -> str | None:
    """DVC's md5; of several, the md5 of their paths and digests."""
    parts = sorted((one["path"], str(one.get("md5", "")).removesuffix(".dir")) for one in data)
    if not parts or not all(MD5.fullmatch(md5) for _, md5 in parts):
        return None
    whole = hashlib.md5(json.dumps(parts).encode(), usedforsecurity=False).hexdigest()
    return parts[0][1] if len(parts) == 1 else whole


def _parameters(locked: Lock) -> dict[str, Any]:
    """By dotted key, with its file where two files have it."""
    values = {
        (file, key): value
        for stage in locked.values()
        for file, given in (stage.get("params") or {}).items()
        for key, value in _flat("", given)
    }
    return _named(values)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), one)
    elif isinstance(value, list):
        yield prefix, [one if _scalar(one) else str(one) for one in value]
    else:
        yield prefix, value if _scalar(value) else str(value)


def _scalar(value: Any) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    return value is None or (isinstance(value, bool | int | float | str) and finite)


def _metrics(repository: Repository, commit: str, declared: Mapping[str, Any]) -> dict[str, float]:
    """Of the metrics files that git holds; of others DVC keeps only a digest."""
    found: dict[tuple[str, str], float] = {}
    for stage in declared.values():
        own = stage.get("do", stage) if isinstance(stage, dict) else {}
        for path in dvc.paths(own.get("metrics")):
            file = str(PurePosixPath(str(own.get("wdir", "."))) / path)
            if PurePosixPath(file).suffix in dvc.TEXT_SUFFIXES and _held(repository, commit, file):
                for name, value in dvc.numbers(file, _read(repository, commit, file)):
                    found[file, name.removeprefix(f"{file}:")] = value
    return _named(found)


def _named(values: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    times = Counter(key for _, key in values)
    return {(key if times[key] == 1 else f"{file}:{key}")[:250]: value for (file, key), value in values.items()}
