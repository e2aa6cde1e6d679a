"""Runs of a pipeline, as an orchestrator or the run itself recorded them. docs/evidence.md shows the form."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from app.evidence.documents import Document, Number, Short, Source, Word, require_once

MOST_RUNS, MOST_STAGES = 1000, 1000

State = Literal["succeeded", "failed", "skipped", "running", "unknown"]
Trigger = Literal["schedule", "event", "ci", "manual", "unknown"]


class StageForm(Document):
    name: Word
    state: State
    detail: Short = ""


class RunForm(Document):
    """``orchestrated``: recorded by what started the run, so that ``trigger`` is its own knowledge."""

    id: Word
    trigger: Trigger
    orchestrated: bool
    state: State
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    stages: Annotated[list[StageForm], Field(max_length=MOST_STAGES)]
    metrics: dict[Word, Number] = {}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        require_once("stage", (one.name for one in self.stages))
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise ValueError("it finished before it started")
        if self.state == "succeeded" and self.finished_at is None:
            raise ValueError("a run that succeeded has finished_at")
        return self


class PipelineRunsForm(Document):
    """``pipeline`` is the name that the manifest gives it."""

    source: Source
    pipeline: Word
    runs: Annotated[list[RunForm], Field(max_length=MOST_RUNS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        require_once("run", (one.id for one in self.runs))
        return self


def parse(content: bytes) -> PipelineRunsForm:
    """Raises Invalid, naming what is wrong."""
    return PipelineRunsForm.read(content, "a list of pipeline runs")
