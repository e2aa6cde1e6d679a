"""What the routes of the ledger take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from app.ledger.events import Event
from app.ledger.reading.words import Status

MOST_EVENTS = 1000

Team = Annotated[str | None, Query(max_length=2000, description="An owner of models. By default all.")]

Taken = Literal["recorded", "known", "set_aside", "refused"]
"""``known``: told before. ``set_aside``: kept, and counted as soon as what it names is registered."""


class EventsIn(BaseModel):
    """Events in any order; an id that was told before changes nothing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "kind": "pipeline_run",
                            "id": "nightly-2026-11-24",
                            "at": "2026-11-24T02:10:00Z",
                            "pipeline": "credit-training",
                            "run": "nightly-2026-11-24",
                            "state": "succeeded",
                            "trigger": "schedule",
                            "orchestrator": "kfp",
                            "orchestrated": True,
                            "data_digest": "sha256:" + "5e" * 32,
                            "model": "credit-default",
                            "version": "1.3.0",
                        }
                    ]
                }
            ]
        },
    )

    events: Annotated[list[Event], Field(min_length=1, max_length=MOST_EVENTS)]


class TakenOut(BaseModel):
    """How one event was taken; ``reason`` is empty where it was recorded."""

    kind: str
    id: str
    status: Taken
    reason: str = ""


class EventsOut(BaseModel):
    """In the order of the request."""

    events: list[TakenOut]


class EventOut(BaseModel):
    """An event as it was told. ``set_aside``: why it does not count yet, empty where it does."""

    id: int
    source: str
    kind: str
    at: datetime
    received_at: datetime
    body: dict[str, Any]
    actor: str
    automatic: bool
    set_aside: str


class ProofOut(BaseModel):
    """One piece of evidence. ``source``: who told it, or what here found it; ``path``: a page of this service."""

    text: str
    at: datetime | None
    source: str
    path: str


class RowOut(BaseModel):
    """What the practice asks for. ``unknown``: there is no evidence; ``missing``: it speaks against it."""

    number: int
    group: str
    title: str
    status: Status
    proofs: list[ProofOut]
    missing: str
    remedy: str


class LedgerOut(BaseModel):
    """All rows of a model. ``version`` null: for what serves, else the newest. ``counts``: of each status."""

    model: str
    version: str | None
    as_of: datetime
    counts: dict[Status, int]
    rows: list[RowOut]

    @property
    def groups(self) -> dict[str, list[RowOut]]:
        """The rows by group, in their order."""
        found: dict[str, list[RowOut]] = {}
        for row in self.rows:
            found.setdefault(row.group, []).append(row)
        return found


class MarkOut(BaseModel):
    """A row without its evidence, which the model's own ledger names."""

    number: int
    title: str
    status: Status
    missing: str


class PracticeOut(BaseModel):
    """A model of the fleet with all rows, for what serves, else the newest version. ``counts``: of each status."""

    model: str
    owner: str
    counts: dict[Status, int]
    rows: list[MarkOut]
