"""What the routes of alerts and subscriptions take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.alerts.events import Severity

Channel = Literal["webhook", "email", "slack"]
DeliveryStatus = Literal["pending", "delivered", "dead"]


def _printable(text: str) -> str:
    if not (text.isprintable() and text.strip()):
        raise ValueError("must be printable")
    return text


class SubscriptionIn(BaseModel):
    """Who is told of what. ``target``: an https URL, or an e-mail address."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "risk team",
                    "channel": "webhook",
                    "target": "https://hooks.example.com/assay",
                    "model": "credit-default",
                    "events": ["verdict.changed", "schedule.missed"],
                    "least_severity": "warning",
                }
            ]
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
    channel: Channel
    target: str = Field(min_length=1, max_length=2000)
    model: str | None = Field(None, max_length=100, description="Only this model; null: all.")
    team: str | None = Field(None, max_length=100, description="Only what this team has when it happens.")
    events: list[Annotated[str, Field(max_length=100)]] = Field(
        [], max_length=100, description="Only these; none named: all of them."
    )
    least_severity: Severity = "info"


class SubscriptionOut(BaseModel):
    """``enabled`` is false once it was ended, by a person or by its receiver (410); ``ended`` says why."""

    id: int
    name: str
    channel: Channel
    target: str
    model: str | None
    team: str | None
    events: list[str]
    least_severity: Severity
    enabled: bool
    ended: str | None
    created_by: str
    created_at: datetime


class NewSubscriptionOut(SubscriptionOut):
    secret: Annotated[
        str | None,
        Field(
            description="Of a webhook: verifies signatures (Standard Webhooks). Shown this once; null when the "
            "request was sent again under its Idempotency-Key."
        ),
    ]


class DeliveryOut(BaseModel):
    """One alert on its way to one subscription. ``receipt``: what the receiver answered, and when."""

    id: int
    alert_id: int
    subscription_id: int
    subscription: str
    channel: Channel
    message_id: str
    status: DeliveryStatus
    attempts: int
    due_at: datetime
    delivered_at: datetime | None
    receipt: dict[str, Any] | None
    error: str | None


class AlertOut(BaseModel):
    """``body``: ``lines`` are sentences for people, ``path`` where to read on; the rest is data."""

    id: int
    event: str
    severity: Severity
    model: str | None
    environment: str | None
    title: str
    body: dict[str, Any]
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    deliveries: list[DeliveryOut]


class AcknowledgementIn(BaseModel):
    """``note``: what was done about it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "Unit change, reverted."}]})

    note: str = Field("", max_length=1000)
