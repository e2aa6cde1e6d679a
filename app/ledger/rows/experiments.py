"""Rows 27 to 31: how experiments are compared and tracked."""

from __future__ import annotations

from functools import partial

from app.ledger.reading import experiments
from app.ledger.reading.words import Judged, Proof, met, unknown
from app.ledger.rows.contract import Readings, Row

GROUP = "Experiment tracking"


def tracked(tool: str, name: str, read: Readings) -> Judged:
    """By runs that the tool's own record tells, and versions in its registry."""
    runs = [one for one in read.history.runs if one.tool == tool]
    registered = [one for one in read.history.registered_versions if one.registry == tool]
    proofs = []
    if runs:
        states = f"{sum(one.state == 'succeeded' for one in runs)} of them succeeded"
        proofs.append(Proof(f"{len(runs)} runs in {name}, {states}", runs[-1].at, tool))
    if registered:
        proofs.append(Proof(f"{len(registered)} versions in {name}'s registry", registered[-1].at, tool))
    if proofs:
        return met(*proofs)
    return unknown(f"{name} told of no run", f"Import its record: assay ledger import {tool} --help")


TOOLS = (
    (29, "dvc", "DVC", "stages, data, metrics"),
    (30, "mlflow", "MLflow", "runs, registered versions, tags, aliases"),
    (31, "kfp", "Kubeflow Pipelines", "runs, recurring runs"),
)

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
        Row(number, GROUP, f"{name} records experiments: {what}", f"what {name} told", partial(tracked, tool, name))
        for number, tool, name, what in TOOLS
    ),
)
