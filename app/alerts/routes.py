"""Alerts, who is told of them, and whether it arrived."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.alerts import service
from app.alerts.schemas import (
    AcknowledgementIn,
    AlertOut,
    DeliveryOut,
    DeliveryStatus,
    NewSubscriptionOut,
    SubscriptionIn,
    SubscriptionOut,
)
from app.deps import CanHandleAlerts, CanRead, Config, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page

router = APIRouter(tags=["alerts"])


@router.get("/alerts", summary="Alerts with their deliveries, newest first")
def list_alerts(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    event: Annotated[str | None, Query(max_length=100)] = None,
    unacknowledged: Annotated[bool, Query(description="Only those that nobody looks after yet.")] = False,
) -> Page[AlertOut]:
    return service.list_alerts(session, model, event, page, unread=unacknowledged)


@router.get("/alerts/{alert_id}", summary="An alert and its deliveries", responses=problems(404))
def show_alert(alert_id: RowId, session: ReadSession, _: CanRead) -> AlertOut:
    return service.show_alert(session, alert_id)


@router.post("/alerts/{alert_id}/acknowledge", summary="Say that you look after it", responses=problems(404, 409))
def acknowledge(
    alert_id: RowId, given: AcknowledgementIn, session: WriteSession, identity: CanHandleAlerts
) -> AlertOut:
    return service.acknowledge(session, alert_id, given, identity)


@router.get("/alert-deliveries", summary="Messages on their way, arrived, or dead, newest first")
def list_deliveries(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    status: Annotated[DeliveryStatus | None, Query()] = None,
) -> Page[DeliveryOut]:
    return service.list_deliveries(session, status, page)


@router.post(
    "/alert-deliveries/{delivery_id}/retry", summary="Send a dead message again", responses=problems(404, 409)
)
def retry(delivery_id: RowId, session: WriteSession, identity: CanHandleAlerts) -> DeliveryOut:
    return service.retry(session, delivery_id, identity)


@router.post(
    "/subscriptions",
    status_code=201,
    summary="Be told; a webhook's signing secret is shown this once",
    responses=problems(404, 409),
)
def subscribe(
    given: SubscriptionIn,
    session: WriteSession,
    config: Config,
    identity: CanHandleAlerts,
    key: IdempotencyKeyHeader = None,
) -> NewSubscriptionOut:
    return service.subscribe(session, identity, given, key, config)


@router.get("/subscriptions", summary="Who is told of what; ended ones too")
def list_subscriptions(session: ReadSession, page: Cursor, _: CanHandleAlerts) -> Page[SubscriptionOut]:
    return service.list_subscriptions(session, page)


@router.get("/subscriptions/{subscription_id}", summary="One subscription", responses=problems(404))
def show_subscription(subscription_id: RowId, session: ReadSession, _: CanHandleAlerts) -> SubscriptionOut:
    return service.show_subscription(session, subscription_id)


@router.delete(
    "/subscriptions/{subscription_id}", status_code=204, summary="Be told no more", responses=problems(404)
)
def unsubscribe(subscription_id: RowId, session: WriteSession, identity: CanHandleAlerts) -> None:
    service.unsubscribe(session, subscription_id, identity)


@router.post(
    "/subscriptions/{subscription_id}/test",
    status_code=201,
    summary="Send a test message to it; look at the alert's delivery for the receipt",
    responses=problems(404, 409),
)
def send_test(
    subscription_id: RowId, session: WriteSession, identity: CanHandleAlerts, key: IdempotencyKeyHeader = None
) -> AlertOut:
    return service.send_test(session, subscription_id, identity, key)
