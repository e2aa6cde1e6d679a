"""What the routes of personal data take and give."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class WhomIn(BaseModel):
    """``person``, as the log's column names them, or one ``prediction`` by its id. ``reason`` is kept in the audit
    log, so it must not hold the id.
    """

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"model": "credit-default", "person": "C-204711", "reason": "request 2026-118"}]
        },
    )

    model: str = Field(max_length=100)
    person: Id | None = None
    prediction: Id | None = None
    reason: Reason

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.person is None) == (self.prediction is None):
            raise ValueError("give either person or prediction")
        return self


class ForgottenOut(BaseModel):
    """Rows that are gone; 0 where there were none, or no longer. ``digest`` is how the audit log knows whom."""

    model: str
    digest: str
    predictions: int
    labels: int
    files_pending: Annotated[
        int, Field(description="Files of the log that are not written anew yet; the scheduler goes on with it.")
    ]
    not_reached: Annotated[
        list[str], Field(description="What else of the model may hold rows of people, and is not changed.")
    ]


class RowOut(BaseModel):
    """A version's answer. ``values``: inputs and outputs by column, as the log has them."""

    version: str
    environment: str
    role: str
    values: dict[str, Any]


class RowsOut(BaseModel):
    """``masked``: the declared columns, whose values are shown as three dots."""

    model: str
    masked: list[str]
    rows: list[RowOut]
