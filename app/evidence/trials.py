"""A search for hyperparameters: what was tried, and how it did. docs/evidence.md shows the form."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.evidence.documents import Document, Number, Source, Value, Word, require_once

MOST_TRIALS = 20_000


class ParameterForm(Document):
    """``low`` to ``high`` was searched, evenly in the logarithm if ``log``; by default what was tried.

    ``least`` and ``most``: beyond these a value makes no sense, such as 0 and 1 of a share.
    """

    name: Word
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    least: Number | None = None
    most: Number | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for lower, upper in (("low", "high"), ("least", "most")):
            below, above = getattr(self, lower), getattr(self, upper)
            if below is not None and above is not None and below > above:
                raise ValueError(f"{lower} {below:g} is above {upper} {above:g}")
        return self


class TrialForm(Document):
    """``value`` of the metric; a pruned trial was stopped early, for doing worse than others."""

    id: Word
    state: Literal["complete", "pruned", "failed", "running"]
    value: Number | None = None
    parameters: dict[Word, Value]

    @model_validator(mode="after")
    def _complete_has_a_value(self) -> Self:
        if self.state == "complete" and self.value is None:
            raise ValueError("a complete trial has a value; without one it failed")
        return self


class TrialsForm(Document):
    """``chosen``: the parameters of what was registered, where the tool knows them."""

    source: Source
    metric: Word
    direction: Literal["maximize", "minimize"]
    parameters: list[ParameterForm] = []
    trials: Annotated[list[TrialForm], Field(max_length=MOST_TRIALS)]
    chosen: dict[Word, Value] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        require_once("trial", (one.id for one in self.trials))
        require_once("parameter", (one.name for one in self.parameters))
        return self


def parse(content: bytes) -> TrialsForm:
    """Raises Invalid, naming what is wrong."""
    return TrialsForm.read(content, "a list of trials")
