"""What a monitoring system measured of a model in use, for instance its business metric (docs/evidence.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from app.errors import FieldError, Invalid
from app.evidence.documents import Document, Number, Source, Word

MOST_SAMPLES = 11_000
"""As many as Prometheus gives of one series."""
AHEAD = timedelta(minutes=5)
"""How far clocks may be apart."""
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)


class SampleForm(Document):
    at: AwareDatetime
    value: Number


class MeasurementsForm(Document):
    """One quantity over time. ``query`` is what the source was asked; ``unit`` "" where it has none."""

    source: Source
    name: Word
    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    unit: Annotated[str, Field(max_length=50)] = ""
    samples: Annotated[list[SampleForm], Field(min_length=1, max_length=MOST_SAMPLES)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for number, (one, after) in enumerate(zip(self.samples, self.samples[1:], strict=False), 1):
            if after.at <= one.at:
                raise ValueError(f"sample {number} is not later than the one before it")
        if self.samples[0].at < OLDEST:
            raise ValueError("the first sample lies before the year 2000")
        return self

    @property
    def newest(self) -> SampleForm:
        return self.samples[-1]


def parse(content: bytes) -> MeasurementsForm:
    """Raises Invalid, naming what is wrong; a sample from the future would stay the newest for ever."""
    form = MeasurementsForm.read(content, "a list of measurements")
    if form.newest.at > datetime.now(UTC) + AHEAD:
        message = f"{form.newest.at.isoformat()} lies in the future"
        raise Invalid(f"This is not a list of measurements: {message}.", [FieldError("samples", message)])
    return form
