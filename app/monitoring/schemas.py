"""What the routes of traffic and labels take and give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Role = Literal["stable", "canary", "shadow"]
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""Any zone in, UTC out."""
MOST_LABELS = 50_000


class StoredOut(BaseModel):
    """``new``: predictions stored. Left out: ``known``, whose id had been stored before, and ``forgotten``, which
    were deleted or are of a person who was.
    """

    new: int
    known: int
    forgotten: int = 0


class LabelIn(BaseModel):
    """``observed_at``: when it turned out; by default now."""

    model_config = ConfigDict(extra="forbid")

    id: str
    label: Any
    observed_at: Moment | None = None


class LabelsIn(BaseModel):
    """Labels by prediction id; the predictions may follow."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "credit-default", "labels": [{"id": "A000001", "label": 1}]}],
        },
    )

    model: str = Field(max_length=100)
    labels: list[LabelIn] = Field(min_length=1, max_length=MOST_LABELS)


class LabelsOut(BaseModel):
    """``joined``: first labels of stored predictions. ``parked``: of predictions that are not stored (yet).

    ``corrected``: replaced what was current. ``outdated``: kept, but one observed later is current.
    ``unchanged``: known already. ``forgotten``: left out, because the prediction was deleted.
    """

    joined: int
    parked: int
    corrected: int
    outdated: int
    unchanged: int
    forgotten: int = 0


class RevisionOut(BaseModel):
    revision: int
    label: Any
    observed_at: datetime
    received_at: datetime
    current: bool
    actor: str


class LabelHistoryOut(BaseModel):
    """Everything that was said of one prediction, newest revision first. ``predicted``: whether it is stored."""

    model: str
    id: str
    predicted: bool
    revisions: list[RevisionOut]


class TrafficRow(BaseModel):
    """One version in one role on one day (UTC). ``coverage``: labelled / rows."""

    day: date
    version: str
    role: str
    rows: int
    labelled: int
    coverage: float


class TrafficOut(BaseModel):
    """What was served from ``since`` (inclusive) to ``until``, and how much of it has a label. Newest day first."""

    model: str
    environment: str
    since: datetime
    until: datetime
    rows: int
    labelled: int
    coverage: float | None
    days: list[TrafficRow]
