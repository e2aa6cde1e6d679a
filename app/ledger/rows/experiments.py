"""Rows 27 to 31: how experiments are compared and tracked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from app.ledger.events import PipelineRunEvent, RegisteredVersionEvent
from app.ledger.reading import experiments, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown
from app.ledger.rows.contract import Readings, Row

GROUP = "Experiment tracking"


@dataclass(frozen=True)
class Tool:
    """``records``: fields that its record of a run has, and that a run which succeeded must tell."""

    number: int
    key: str
    name: str
    also: str
    records: tuple[str, ...]


def tracked(tool: Tool, read: Readings) -> Judged:
    """By runs that the tool's own record tells, and versions in its registry: lately, and with what it records."""
    runs = [one for one in read.history.runs if one.tool == tool.key]
    registered = [one for one in read.history.registered_versions if one.registry == tool.key]
    remedy = f"Import its record: assay ledger import {tool.key} --help"
    if not runs and not registered:
        return unknown(f"{tool.name} told of no run", remedy)
    proofs = [*_told(tool.name, runs), *_registered(tool.name, registered)]
    newest = max(one.at for one in (*runs, *registered))
    if (age := within.age_days(read.history, newest)) > within.RECENT_DAYS:
        return lacking(f"{tool.name} has told of nothing for {age:.0f} days", remedy, *proofs)
    if not (ended := within.succeeded(runs)):
        return unknown(f"{tool.name} told of no run that succeeded", remedy, *proofs)
    if untold := _names(field for field in tool.records if not getattr(ended[-1], field)):
        missing = f"the newest run that succeeded, {ended[-1].run}, tells no {' and no '.join(untold)}"
        return lacking(missing, f"Let runs log {' and '.join(untold)} in {tool.name}, and import them.", *proofs)
    return met(*proofs)


def _told(name: str, runs: Sequence[PipelineRunEvent]) -> Iterable[Proof]:
    if runs:
        text = f"{_count(runs, 'run')} in {name}, {len(within.succeeded(runs))} of them succeeded"
        yield Proof(text, runs[-1].at, name)


def _registered(name: str, versions: Sequence[RegisteredVersionEvent]) -> Iterable[Proof]:
    if versions:
        aliases = sorted({alias for one in versions for alias in one.aliases})
        named = f", aliases {', '.join(aliases)}" if aliases else ""
        yield Proof(f"{_count(versions, 'version')} in {name}'s registry{named}", versions[-1].at, name)


def _count(things: Sequence[object], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


TOOLS = (
    Tool(29, "dvc", "DVC", "stages, data, metrics", ("stages", "data_digest", "metrics")),
    Tool(30, "mlflow", "MLflow", "runs, registered versions, tags, aliases", ("parameters", "metrics")),
    Tool(31, "kfp", "Kubeflow Pipelines", "runs, recurring runs", ("stages",)),
)
CALLED = {"data_digest": "training data"}


def _names(fields: Iterable[str]) -> list[str]:
    return [CALLED.get(field, field) for field in fields]


ROWS = (
    Row(
        27,
        GROUP,
        "Parallel experiments on branches are compared by one declared metric on the same evaluation data",
        "runs with branch, evaluation digest and the pipeline's declared metric",
        lambda read: experiments.in_parallel(read.history),
    ),
    Row(
        28,
        GROUP,
        "Features and hyperparameters of every experiment are known, and so is the difference of two",
        "runs with features and parameters",
        lambda read: experiments.recorded(read.history),
    ),
    *(
        Row(
            tool.number,
            GROUP,
            f"{tool.name} records experiments: {tool.also}",
            f"what {tool.name} told in {within.RECENT_DAYS:g} days, with {', '.join(_names(tool.records))}",
            partial(tracked, tool),
        )
        for tool in TOOLS
    ),
)
