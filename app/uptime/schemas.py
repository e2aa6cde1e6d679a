"""What the routes of endpoints take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Window = Literal["24h", "7d", "30d"]
State = Literal["up", "down", "unknown"]


def _printable(text: str) -> str:
    if not (text.isprintable() and text.strip()):
        raise ValueError("must be printable")
    return text


class EndpointIn(BaseModel):
    """An address of a model, and what it must answer to a GET."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "scoring API",
                    "url": "https://scoring.example.com/health",
                    "environment": "production",
                    "interval_seconds": 60,
                    "timeout_seconds": 10,
                    "expected_status": 200,
                    "expected_text": '"ready"',
                }
            ]
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
    url: str = Field(min_length=1, max_length=2000)
    environment: Environment
    interval_seconds: int = Field(60, ge=10, le=3600, description="From one probe to the next (s).")
    timeout_seconds: float = Field(
        10, gt=0, le=15, allow_inf_nan=False, description="Time for one answer (s); less than the interval."
    )
    expected_status: int = Field(200, ge=100, le=599)
    expected_text: str | None = Field(
        None, min_length=1, max_length=1000, description="Must be in the first 256 KB of the answer."
    )
    token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=1000)] | None = Field(
        None, description="Sent as a bearer token, and never shown again."
    )
    tolerance: int = Field(3, ge=1, le=100, description="So many failures in a row, and somebody is told.")

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if self.timeout_seconds >= self.interval_seconds:
            raise ValueError("timeout_seconds must be less than interval_seconds")
        return self


class EndpointOut(BaseModel):
    """``state``: what its newest probe says, unknown when that is too old. ``down_since``: the first failure, once
    there were enough of them for somebody to be told. ``error``: of the newest probe.
    """

    id: int
    model: str
    name: str
    environment: str
    url: str
    interval_seconds: int
    timeout_seconds: float
    expected_status: int
    expected_text: str | None
    has_token: bool
    tolerance: int
    state: State
    down_since: datetime | None
    last_probe_at: datetime | None
    last_seconds: float | None
    error: str | None
    created_by: str
    created_at: datetime
    removed_at: datetime | None


class OutageOut(BaseModel):
    """``ended_at`` null: it lasts. ``recovered``: it was seen to answer again; else nobody asked any more."""

    started_at: datetime
    ended_at: datetime | None
    recovered: bool
    seconds: float
    reason: str | None


class WindowOut(BaseModel):
    """``availability``: the share of the known time in which it was up, null while nothing is known. ``known``: the
    share of the window in which somebody asked. Latencies in seconds, of successful probes.
    """

    since: datetime
    until: datetime
    availability: float | None
    known: float
    up_seconds: float
    down_seconds: float
    unknown_seconds: float
    probes: int
    failures: int
    p50: float | None
    p95: float | None
    p99: float | None
    outages: list[OutageOut]


class UptimeOut(BaseModel):
    """An endpoint with its windows. ``history``: the last 24 hours in cells of half an hour, the newest last."""

    endpoint: EndpointOut
    windows: dict[Window, WindowOut]
    history: list[State]


class ProbeOut(BaseModel):
    """``ok`` null: it could not be carried out, which says nothing of the endpoint."""

    id: int
    at: datetime
    ok: bool | None
    status: int | None
    seconds: float
    error: str | None
