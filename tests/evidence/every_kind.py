"""A file of every kind of evidence, as somebody would hand it in."""

from __future__ import annotations

import io
import json

import pandas as pd

from app.evidence.kinds import KINDS
from benchmarks.faults.surroundings import access_list, metric_pairs, training_runs
from tests.checks.three_ways import COMMIT, coverage, git, junit, pipeline_runs, review, trials

AT = "2026-01-05T09:00:00Z"


def files(commit: str) -> dict[str, bytes]:
    """Content by kind; the documents that name their commit name this one."""
    outcome = {"run": "1", "data": "d", "config": {}, "metrics": {"auc": 0.8}}
    measured = {"source": {"tool": "prometheus", "name": "p"}, "name": "rate", "query": "rate", "unit": "ratio"}
    made = {
        "junit": junit(),
        "coverage": coverage(9),
        "git": git().replace(COMMIT.encode(), commit.encode()),
        "review": review("bo").replace(COMMIT.encode(), commit.encode()),
        "feature-history": _json(proposals=[{"feature": "mean radius", "proposed_at": AT}]),
        "lock-file": b"numpy==2.4.0\n",
        "training-metrics": _json(loss=[0.7, 0.6]),
        "training-run": training_runs(600, 2000)[0],
        "staleness-predictions": b"id,cutoff,prediction,score\nA-1,2026-01-01,1,0.7\n",
        "recomputed-features": _table(),
        "deleted-ids": b"A-7\n",
        "access-list": access_list(),
        "metric-pairs": metric_pairs(1.0),
        "trials": trials(1.0),
        "pipeline-runs": pipeline_runs("succeeded"),
        "training-outcome": _json(commit=commit, **outcome),
        "measurements": _json(**measured, samples=[{"at": AT, "value": 0.3}]),
        "report": b"Read by nobody but people.\n",
    }
    assert made.keys() == KINDS.keys()
    return made


def _table() -> bytes:
    written = io.BytesIO()
    pd.DataFrame({"id": ["A-1"], "mean radius": [12.5]}).to_parquet(written)
    return written.getvalue()


def _json(**document) -> bytes:
    return json.dumps(document).encode()
