"""What the routes of connections take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.catalog.manifest import Name
from app.evidence.documents import Word

Kind = Literal["github", "gitlab", "mlflow", "webhook"]
Status = Literal["recorded", "set_aside", "ignored", "refused"]
"""Of a message. ``set_aside``: what it tells does not count yet, for the reason given; ``ignored``: right, and
nothing that the ledger keeps; ``refused``: it is not what it says, or about something else than the connection's.
"""
MOST_NAMES = 1000


class ConnectionIn(BaseModel):
    """A tool that may tell the ledger by webhooks, and what it may speak about.

    ``repositories``: as the forge names them (owner/name). ``models``: the name in Assay by the name that they have
    in the registry. ``pipelines``: as they are registered in Assay.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "forge", "kind": "github", "repositories": ["bank/credit"]}]},
    )

    name: Name
    kind: Kind
    repositories: Annotated[list[Word], Field(max_length=MOST_NAMES)] = []
    pipelines: Annotated[list[Name], Field(max_length=MOST_NAMES)] = []
    models: Annotated[dict[Word, Name], Field(max_length=MOST_NAMES)] = {}

    @model_validator(mode="after")
    def _speaks(self) -> Self:
        if self.kind in {"github", "gitlab"} and not self.repositories:
            raise ValueError(f"a connection to {self.kind} names the repositories that it speaks about")
        if self.kind == "mlflow" and not self.models:
            raise ValueError("a connection to mlflow names the registered models that it speaks about")
        if not (self.repositories or self.pipelines or self.models):
            raise ValueError("name what it may speak about: repositories, pipelines or models")
        return self


class ConnectionOut(BaseModel):
    """``url``: where its tool sends to."""

    id: int
    name: str
    kind: Kind
    url: str
    repositories: list[str]
    pipelines: list[str]
    models: dict[str, str]
    previous_until: datetime | None
    enabled: bool
    ended: str | None
    created_by: str
    created_at: datetime
    last_message_at: datetime | None
    messages: dict[Status, int]


class NewConnectionOut(ConnectionOut):
    """``secret``: shown this once; null when the request was a repetition."""

    secret: str | None


class RotationIn(BaseModel):
    """``overlap_hours``: how long messages that the secret before signed are still taken; 0: no longer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[float, Field(ge=0, le=168)] = 24


class MessageOut(BaseModel):
    """A message and what became of it. ``key``: the tool's id; ``times``: how often it came.

    ``events``: how many it made for the ledger; ``untaken``: how many of them were not stored.
    """

    id: int
    key: str
    event: str
    status: Status
    reason: str
    events: int
    untaken: int
    times: int
    received_at: datetime
    last_at: datetime
