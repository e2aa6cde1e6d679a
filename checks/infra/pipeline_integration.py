"""INFRA-3: whether the whole pipeline runs, by itself, often enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration
from checks.experiments import PipelineRun, PipelineRuns
from checks.serving import Moment, RetrainingCadence

REMEDY = "Let the pipeline run on its schedule or in CI, mend the stage that is named, and collect its runs again."


class PipelineIntegration(Check):
    """The ML pipeline is integration tested.

    Asked: the pipeline from data to model is tested as a whole, automatically and regularly, since each stage may
    be right and what it hands to the next not.

    Measured: the runs of the pipeline that were collected, from Kubeflow Pipelines, MLflow, DVC or another tool,
    against the stages and the cadence that the manifest declares. A run is whole when it and each declared stage
    succeeded; a stage that was skipped did not. It was not started by hand when its trigger was a schedule, an
    event or CI. Where a run keeps its own record (MLflow, DVC) and tells no trigger, the identity that hands it in
    does: with the ci role and the version's commit, it ran in that job. An orchestrator's record without a trigger
    tells nothing, whoever collects it.

    Formula: it passes when a whole run, not started by hand, finished at most `max_share` times the cadence before
    the audit. The cadence is `version.pipeline.cadence_days`, else `model.retraining_days`. Where such a run lacks
    only the knowledge of what started it, or of a declared stage, it is inconclusive; else it fails, for what the
    best of the runs lacks. A run that finished after the audit does not count.

    Source: Breck et al. 2017, section IV, test Infra 3.

    Evidence: `version.pipeline` with `stages` and `cadence_days`; the kind `pipeline-runs`, by `assay evidence
    collect kfp`, `mlflow-runs` or `dvc`, or as JSON of your own (docs/evidence.md). Of several files the newest
    counts.

    Fix: run the pipeline from a scheduler or from CI, all of it; mend the stage that is named.
    """

    id = "INFRA-3"
    thresholds: ClassVar[Thresholds] = {"max_share": 1.0}

    def measure(
        self, declared: Declaration, record: PipelineRuns, moment: Moment, retraining: RetrainingCadence | None
    ) -> Measurement:
        if not declared.stages:
            raise Missing("the pipeline's stages", "declare `version.pipeline.stages`: what makes a whole run")
        cadence = declared.cadence_days or (retraining.days if retraining else None)
        if cadence is None:
            raise Missing("the pipeline's cadence", "declare `version.pipeline.cadence_days`: how often it runs")
        if record.pipeline != declared.pipeline:
            raise Missing(
                f"runs of the pipeline {declared.pipeline}: those handed in are of {record.pipeline}",
                f"collect them with `--pipeline {declared.pipeline}`",
            )
        runs = [_measured(one, declared.stages, moment) for one in record.runs]
        rows = [list(one.values()) for one in runs]
        header = ("run", "trigger", "automatic", "state", "days ago", "incomplete stages", "unknown stages")
        values = {"tool": record.tool, "cadence_days": cadence, "stages": list(declared.stages), "runs": runs}
        return Measurement(values, (Exhibit.table("runs.csv", header, rows),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        runs, days = measured["runs"], measured["cadence_days"] * thresholds["max_share"]
        if not runs:
            reason = f"{measured['tool']} has no run of the pipeline."
            return Judgement(Verdict.FAIL, reason, REMEDY)
        lacks = {one["id"]: _lacks(one, days) for one in runs}
        best = min(runs, key=lambda one: (_weight(lacks[one["id"]]), _age(one)))
        certain, unsure = lacks[best["id"]]
        told = f"Of {len(runs)} runs in {measured['tool']} {best['id']}"
        if certain:
            return Judgement(Verdict.FAIL, f"{told} comes closest, and {' and '.join(certain)}.", REMEDY)
        if unsure:
            remedy = "Collect the runs where the tool knows this, or tell it (`--trigger`) in the job that runs it."
            return Judgement(Verdict.INCONCLUSIVE, f"{told} comes closest, but {' and '.join(unsure)}.", remedy)
        stages = ", ".join(measured["stages"])
        reason = (
            f"{told} went through {stages}, not started by hand ({_cause(best)}), and finished "
            f"{best['days_ago']:.1f} days before the audit, within {days:g} days."
        )
        return Judgement(Verdict.PASS, reason)


def _measured(run: PipelineRun, declared: tuple[str, ...], moment: Moment) -> dict[str, Any]:
    states = {stage.name: stage.state for stage in run.stages}
    found = {name: states.get(name, "absent") for name in declared}
    return {
        "id": run.id,
        "trigger": run.trigger,
        "automatic": run.automatic,
        "state": run.state,
        "days_ago": (moment.at - run.finished_at) / timedelta(days=1) if run.finished_at else None,
        "incomplete": [f"{n} {s}" for n, s in found.items() if s not in {"succeeded", "unknown"}],
        "unknown": [name for name, state in found.items() if state == "unknown"],
    }


def _lacks(run: Mapping[str, Any], days: float) -> tuple[list[str], list[str]]:
    """What certainly keeps a run from counting, and what may."""
    certain, unsure = [], []
    if run["state"] == "unknown":
        unsure.append("nothing tells how it ended")
    elif run["state"] != "succeeded":
        certain.append(f"it is {run['state']}")
    if run["incomplete"]:
        certain.append(f"not all declared stages succeeded: {', '.join(run['incomplete'])}")
    if run["unknown"]:
        unsure.append(f"nothing tells how these stages ended: {', '.join(run['unknown'])}")
    if run["automatic"] is None:
        unsure.append("nothing tells what started it")
    elif not run["automatic"]:
        certain.append("it was started by hand")
    if run["days_ago"] is None:
        unsure.append("nothing tells when it finished")
    elif run["days_ago"] < 0:
        certain.append("it finished after the audit")
    elif run["days_ago"] > days:
        certain.append(f"it finished {run['days_ago']:.1f} days before the audit, where {days:g} are declared")
    return certain, unsure


def _weight(lacks: tuple[list[str], list[str]]) -> tuple[int, int]:
    return len(lacks[0]), len(lacks[1])


def _age(run: Mapping[str, Any]) -> float:
    return abs(run["days_ago"]) if run["days_ago"] is not None else float("inf")


def _cause(run: Mapping[str, Any]) -> str:
    return "handed in by CI, which ran it" if run["trigger"] == "unknown" else f"trigger: {run['trigger']}"
