"""What the routes of the ledger take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.ledger.events import Event

MOST_EVENTS = 1000

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
