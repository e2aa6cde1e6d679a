"""Rules of subscriptions and alerts: who may be told what, acknowledging, and sending again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.access import audit_log, idempotency, teams
from app.access.identity import Identity
from app.alerts import queries
from app.alerts.channels.email import ADDRESS
from app.alerts.channels.webhook import new_secret
from app.alerts.events import EVENTS, TEST
from app.alerts.outbox import post
from app.alerts.queries import AlertFilters
from app.alerts.schemas import (
    AcknowledgementIn,
    AlertOut,
    DeliveryOut,
    NewSubscriptionOut,
    SubscriptionIn,
    SubscriptionOut,
)
from app.catalog.queries import find_model
from app.config import Settings
from app.db import database_now
from app.errors import Conflict, FieldError, Invalid, nearest
from app.outgoing import Client, Refused
from app.paging import Page, PageParams
from app.tables import Alert, AlertDelivery, Subscription


def subscribe(
    session: Session, identity: Identity, given: SubscriptionIn, key: str | None, settings: Settings
) -> NewSubscriptionOut:
    """Open a subscription; the same request under the same ``key`` only once.

    Raises:
        Invalid: the target cannot be reached by its channel, an event is unknown, or a model and a team are named.
        NotFound: there is no such model, or no such team of theirs.
        Conflict: an open subscription has that name.
    """
    _require_valid(given, settings)  # before the first statement: resolving a name holds no lock
    known = idempotency.once(session, identity, key, given)
    if known is not None:
        return NewSubscriptionOut(**show_subscription(session, known).model_dump(), secret=None)
    if queries.open_subscription_named(session, given.name):
        raise Conflict(f"there is a subscription named {given.name!r} already")
    row = Subscription(
        **given.model_dump(exclude={"model", "team"}),
        model_id=find_model(session, given.model).id if given.model else None,
        team_id=teams.team_of(session, given.team, identity, "alerts").id if given.team else None,
        secret=new_secret() if given.channel == "webhook" else None,
        bound=identity.reach is not None,
        created_by=identity.name,
    )
    session.add(row)
    session.flush()
    subject = f"subscription/{row.id}"
    of = given.model_dump(include={"channel", "model", "team"})
    audit_log.record(session, identity.name, "subscription.create", subject, **of)
    idempotency.remember(session, identity, key, given, row.id)
    return NewSubscriptionOut(**show_subscription(session, row.id).model_dump(), secret=row.secret)


def _require_valid(given: SubscriptionIn, settings: Settings) -> None:
    errors = [
        FieldError(f"events.{i}", f"{event!r} is not an event{nearest(event, EVENTS)}: {', '.join(EVENTS)}")
        for i, event in enumerate(given.events)
        if event not in EVENTS
    ]
    if given.model and given.team:
        errors.append(FieldError("team", "name either a model or a team"))
    if problem := _problem_of_target(given, settings):
        errors.append(FieldError("target", problem))
    if errors:
        raise Invalid("; ".join(error.message for error in errors), errors)


def _problem_of_target(given: SubscriptionIn, settings: Settings) -> str | None:
    if given.channel == "email":
        if not ADDRESS.fullmatch(given.target):
            return "not an e-mail address such as risk@example.com"
        return None if settings.smtp_url else "no mail server is configured: an administrator sets ASSAY_SMTP_URL"
    try:
        Client(settings.outgoing_allowed_hosts).check(given.target)
    except Refused as error:
        return (
            f"this URL is not called: {error}; an administrator may allow its host (ASSAY_OUTGOING_ALLOWED_HOSTS)"
        )
    return None


def show_subscription(session: Session, subscription_id: int) -> SubscriptionOut:
    """Raises NotFound."""
    return _subscriptions_out(session, [queries.get_subscription(session, subscription_id)])[0]


def list_subscriptions(session: Session, params: PageParams) -> Page[SubscriptionOut]:
    rows, cursor = queries.subscriptions_page(session, params)
    return Page(items=_subscriptions_out(session, rows), next_cursor=cursor)


def _subscriptions_out(session: Session, rows: Sequence[Subscription]) -> list[SubscriptionOut]:
    models = queries.model_names(session, (row.model_id for row in rows))
    of_teams = queries.team_names(session, (row.team_id for row in rows))
    return [
        SubscriptionOut(**row.model_dump(), model=models.get(row.model_id), team=of_teams.get(row.team_id))
        for row in rows
    ]


def unsubscribe(session: Session, subscription_id: int, identity: Identity) -> None:
    """End a subscription, and what still waits for it. Its receipts stay. Raises NotFound."""
    row = queries.get_subscription(session, subscription_id)
    if not row.enabled:
        return
    row.enabled, row.ended = False, f"ended by {identity.name}"
    session.add(row)
    queries.stop_deliveries(session, row.id, "unsubscribed")
    before = row.model_dump(include={"name", "channel", "events", "least_severity"})
    audit_log.record(
        session, identity.name, "subscription.end", f"subscription/{row.id}", before=before, after=None
    )


def send_test(session: Session, subscription_id: int, identity: Identity, key: str | None) -> AlertOut:
    """Send a message to this subscription alone, so that its receiver can be seen to work.

    Raises:
        NotFound: there is no such subscription.
        Conflict: it has ended.
    """
    asked = {"test": subscription_id}
    known = idempotency.once(session, identity, key, asked)
    if known is not None:
        return show_alert(session, known)
    row = queries.get_subscription(session, subscription_id)
    if not row.enabled:
        raise Conflict(f"subscription {row.id} has ended: {row.ended}")
    body = {"lines": [f"{identity.name} asked for this message; nothing has happened."], "path": "/alerts"}
    alert = Alert(event=TEST, severity="info", title=f"A test of the subscription {row.name!r}", body=body)
    alert.model_id, alert.team_id = row.model_id, row.team_id
    post(session, alert, [row])
    audit_log.record(session, identity.name, "subscription.test", f"subscription/{row.id}", alert=alert.id)
    idempotency.remember(session, identity, key, asked, alert.id)
    return show_alert(session, alert.id)


def list_alerts(
    session: Session, model: str | None, event: str | None, params: PageParams, *, unread: bool
) -> Page[AlertOut]:
    """Raises NotFound, Invalid: the model or the event is unknown."""
    if event is not None and event not in {*EVENTS, TEST}:
        message = f"{event!r} is not an event{nearest(event, EVENTS)}"
        raise Invalid(message, [FieldError("query.event", message)])
    model_id = find_model(session, model).id if model else None
    rows, cursor = queries.alerts_page(session, AlertFilters(model_id, event, unread), params)
    return Page(items=_alerts_out(session, rows), next_cursor=cursor)


def show_alert(session: Session, alert_id: int) -> AlertOut:
    """Raises NotFound."""
    return _alerts_out(session, [queries.get_alert(session, alert_id)])[0]


def _alerts_out(session: Session, rows: Sequence[Alert]) -> list[AlertOut]:
    names = queries.model_names(session, (row.model_id for row in rows))
    deliveries = queries.deliveries_of(session, (row.id for row in rows))
    return [
        AlertOut(
            **row.model_dump(),
            model=names.get(row.model_id),
            deliveries=_deliveries_out(session, deliveries[row.id]),
        )
        for row in rows
    ]


def acknowledge(session: Session, alert_id: int, given: AcknowledgementIn, identity: Identity) -> AlertOut:
    """Note that somebody looks after it. The first one stays; a repetition changes nothing.

    Raises:
        NotFound: there is no such alert.
        Conflict: somebody else has acknowledged it.
    """
    alert = queries.get_alert(session, alert_id)
    session.refresh(alert, with_for_update=True)
    if alert.acknowledged_by is None:
        alert.acknowledged_at, alert.acknowledged_by = database_now(session), identity.name
        alert.note = given.note or None
        session.add(alert)
        audit_log.record(session, identity.name, "alert.acknowledge", f"alert/{alert.id}", note=given.note)
    elif alert.acknowledged_by != identity.name:
        raise Conflict(f"alert {alert.id} was acknowledged by {alert.acknowledged_by}")
    return show_alert(session, alert.id)


def list_deliveries(session: Session, status: str | None, params: PageParams) -> Page[DeliveryOut]:
    rows, cursor = queries.deliveries_page(session, status, params)
    return Page(items=_deliveries_out(session, rows), next_cursor=cursor)


def _deliveries_out(session: Session, rows: Sequence[AlertDelivery]) -> list[DeliveryOut]:
    to = queries.subscriptions_by_id(session, (row.subscription_id for row in rows))
    return [
        DeliveryOut(
            **row.model_dump(), subscription=to[row.subscription_id].name, channel=to[row.subscription_id].channel
        )
        for row in rows
    ]


def retry(session: Session, delivery_id: int, identity: Identity) -> DeliveryOut:
    """Send a dead message again from now on, under its old id.

    Raises:
        NotFound: there is no such delivery.
        Conflict: it is not dead, or its subscription has ended.
    """
    row = queries.get_delivery(session, delivery_id)
    session.refresh(row, with_for_update=True)
    if row.status != "dead":
        raise Conflict(f"delivery {row.id} is {row.status}; only a dead one can be sent again")
    to = queries.get_subscription(session, row.subscription_id)
    if not to.enabled:
        raise Conflict(f"subscription {to.id} has ended: {to.ended}")
    row.status, row.attempts, row.due_at = "pending", 0, database_now(session)
    session.add(row)
    audit_log.record(session, identity.name, "alert.retry", f"alert/{row.alert_id}", delivery=row.id)
    return _deliveries_out(session, [row])[0]
