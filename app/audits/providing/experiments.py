"""What experiment and pipeline tools recorded, as CI collected it."""

from __future__ import annotations

from collections.abc import Sequence

from app.audits.attempt import Attempt, HandedInFile
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest, read
from app.audits.providing.trainings import trained_twice
from app.evidence.kinds import EvidenceKind
from app.evidence.pipeline_runs import PipelineRunsForm, RunForm
from app.evidence.training_outcome import TrainingOutcomeForm
from app.evidence.trials import TrialsForm
from checks.contract import Missing
from checks.experiments import (
    Parameter,
    PipelineRun,
    PipelineRuns,
    Stage,
    TrainingOutcome,
    TrainingOutcomes,
    Trial,
    Trials,
)

Outcome = tuple[TrainingOutcomeForm, HandedInFile]
OUTCOME: EvidenceKind = "training-outcome"
MOST_OUTCOMES = 20
"""Newest files that are looked at for two of one kind."""


def _trials(_source: Source, attempt: Attempt) -> Provided:
    form: TrialsForm
    form, file = newest(attempt, "trials", "the trials of a search", "assay evidence collect mlflow or optuna")
    value = Trials(
        digest=file.digest,
        cap=file.cap,
        tool=form.source.tool,
        study=form.source.name,
        metric=form.metric,
        direction=form.direction,
        parameters=tuple(Parameter(**one.model_dump()) for one in form.parameters),
        trials=tuple(Trial(**one.model_dump()) for one in form.trials),
        chosen=form.chosen,
    )
    return Provided(value, {"trials": file.digest}, file.cap)


def _pipeline_runs(_source: Source, attempt: Attempt) -> Provided:
    form: PipelineRunsForm
    kind: EvidenceKind = "pipeline-runs"
    form, file = newest(attempt, kind, "runs of the pipeline", "assay evidence collect kfp, mlflow-runs or dvc")
    runs = tuple(_run(one, by_ci=file.cap is None) for one in form.runs)
    value = PipelineRuns(file.digest, file.cap, form.source.tool, form.pipeline, runs)
    return Provided(value, {kind: file.digest}, file.cap)


def _run(form: RunForm, *, by_ci: bool) -> PipelineRun:
    """``by_ci``: the record was handed in with the ci role for the version's commit."""
    automatic: bool | None = form.trigger != "manual"
    if form.trigger == "unknown":
        automatic = True if by_ci and not form.orchestrated else None
    given = form.model_dump(exclude={"stages", "metrics"})
    return PipelineRun(**given, stages=tuple(Stage(**one.model_dump()) for one in form.stages), automatic=automatic)


def _training_outcomes(_source: Source, attempt: Attempt) -> Provided:
    """What CI handed in; where that are no two of one kind, what the service's own trainings came to, if it may."""
    known = _handed_in(attempt)
    pair = _pair(known) if len(known) > 1 else None
    if attempt.training and not (pair and _settled(*pair)):
        train = attempt.datasets["train"].digest
        return Provided(TrainingOutcomes("", None, trained_twice(attempt, attempt.training)), {"train": train})
    if pair is None:
        found = f"one training ({known[0][0].run})" if known else "none"
        raise Missing(
            f"the outcomes of two trainings; there is {found}",
            f"let CI train twice and hand in each outcome: evidence of the kind {OUTCOME}, docs/evidence.md",
        )
    caps = list(dict.fromkeys(file.cap for _, file in pair if file.cap))
    cap = "; ".join(caps) or None
    outcomes = tuple(TrainingOutcome(**form.model_dump()) for form, _ in pair)
    inputs = {f"{OUTCOME} {form.run}": file.digest for form, file in pair}
    return Provided(TrainingOutcomes(pair[0][1].digest, cap, outcomes), inputs, cap)


def _handed_in(attempt: Attempt) -> list[Outcome]:
    """Of each training the newest file, newest first."""
    known: dict[str, Outcome] = {}
    for file in attempt.handed_in.get(OUTCOME, [])[:MOST_OUTCOMES]:
        form: TrainingOutcomeForm = read(file)
        known.setdefault(form.run, (form, file))
    return list(known.values())


def _pair(newest_first: Sequence[Outcome]) -> tuple[Outcome, Outcome]:
    """The newest two of one commit, data and config, else the newest two."""
    for i, newer in enumerate(newest_first):
        for older in newest_first[i + 1 :]:
            if _alike(newer[0], older[0]):
                return newer, older
    return newest_first[0], newest_first[1]


def _settled(newer: Outcome, older: Outcome) -> bool:
    """Whether CI handed in two trainings of one kind."""
    return _alike(newer[0], older[0]) and newer[1].cap is None and older[1].cap is None


def _alike(one: TrainingOutcomeForm, other: TrainingOutcomeForm) -> bool:
    same_code = one.commit.startswith(other.commit) or other.commit.startswith(one.commit)
    return same_code and one.data == other.data and one.config == other.config


PROVIDERS: Providers = {Trials: _trials, PipelineRuns: _pipeline_runs, TrainingOutcomes: _training_outcomes}
