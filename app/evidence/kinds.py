"""The kinds of files that can be handed in for a version, each with what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from app.evidence import (
    access_list,
    coverage,
    deleted_ids,
    git_record,
    junit,
    lock_file,
    measurements,
    metric_pairs,
    pipeline_runs,
    proposals,
    review_record,
    staleness,
    training_metrics,
    training_outcome,
    training_run,
    trials,
)

MEGABYTE = 1024 * 1024

EvidenceKind = Literal[
    "junit",
    "coverage",
    "git",
    "review",
    "feature-history",
    "lock-file",
    "training-metrics",
    "training-run",
    "staleness-predictions",
    "recomputed-features",
    "deleted-ids",
    "access-list",
    "metric-pairs",
    "trials",
    "pipeline-runs",
    "training-outcome",
    "measurements",
    "report",
]


@dataclass(frozen=True)
class Kind:
    """``parse`` refuses at the door (Invalid) what is not of the kind; None where nobody reads it, or where it is a
    table, which ``app.catalog.handed_in`` looks into. ``most`` is in bytes. ``commit_of`` gives the commit that a
    document itself is about, None where its kind names none.
    """

    parse: Callable[[bytes], Any] | None = None
    most: int = 20 * MEGABYTE
    commit_of: Callable[[Any], str] | None = None


KINDS: Mapping[EvidenceKind, Kind] = {
    "junit": Kind(junit.parse),
    "coverage": Kind(coverage.parse),
    "git": Kind(git_record.parse, commit_of=attrgetter("commit")),
    "lock-file": Kind(lock_file.parse),
    "feature-history": Kind(proposals.parse),
    "review": Kind(review_record.parse, commit_of=attrgetter("commit")),
    "training-metrics": Kind(training_metrics.parse),
    "staleness-predictions": Kind(staleness.parse),
    "training-run": Kind(training_run.parse),
    "recomputed-features": Kind(most=128 * MEGABYTE),
    "deleted-ids": Kind(deleted_ids.parse),
    "access-list": Kind(access_list.parse),
    "metric-pairs": Kind(metric_pairs.parse),
    "trials": Kind(trials.parse),
    "pipeline-runs": Kind(pipeline_runs.parse),
    "training-outcome": Kind(training_outcome.parse, commit_of=attrgetter("commit")),
    "measurements": Kind(measurements.parse),
    "report": Kind(),
}
