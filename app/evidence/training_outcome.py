"""What came out of one training, to be compared with another of the same. docs/evidence.md shows the form."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from app.evidence.documents import Document, Number, Value, Word

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{7,64}$")]
Prediction = Number | Annotated[list[Number], Field(min_length=1, max_length=1000)]


class OutcomeForm(Document):
    """``environment``, such as versions of libraries, is told where outcomes differ. ``predictions`` are of a fixed
    sample, by its ids: a number, or one a class.
    """

    environment: dict[Word, Value] = {}
    metrics: dict[Word, Number] = {}
    predictions: dict[Word, Prediction] = {}

    @model_validator(mode="after")
    def _something_came_out(self) -> Self:
        if not self.metrics and not self.predictions:
            raise ValueError("it has neither metrics nor predictions")
        return self


class TrainingOutcomeForm(OutcomeForm):
    """``run`` tells one training from another; ``data`` is a digest of all that was trained on; ``config`` (with
    the seed) is what the training was started with.
    """

    run: Word
    commit: Commit
    data: Word
    config: dict[Word, Value]


def parse(content: bytes) -> TrainingOutcomeForm:
    """Raises Invalid, naming what is wrong."""
    return TrainingOutcomeForm.read(content, "the outcome of a training")
