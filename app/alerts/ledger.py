"""The outbox's ledger: who sends a delivery, until when, and how it ended.

::

    pending --claim--> pending, due again when the claim lapses --settle--> delivered
                                                                --postpone--> pending, due later
                                                                --bury--> dead --retry (a person)--> pending

A claim is written before anything is sent, and moves ``due_at`` to the time at which it lapses: whoever is killed
in between loses nothing. The receipt is written afterwards under the claim's fence, which grows with every claim:
of two that hold the same delivery for lost, only the later one writes. So a message reaches its receiver a second
time only if its sender died between the receiver's answer and the receipt, or sat on it past the claim; it then
carries the same id, and ``attempts`` tells.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.access import teams
from app.alerts.channels import Address, Message, NotDelivered, Receipt
from app.db import Database, database_now, rows_changed
from app.tables import Alert, AlertDelivery, Model, Subscription

DELAYS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000)
"""Seconds after each failed attempt: about 24 hours in all, then the message is dead."""
JITTER = 0.2
"""Each delay is up to so much shorter or longer, so that what failed together does not come back together."""


@dataclass(frozen=True)
class Claim:
    """The right to send a message, until it lapses. ``attempt`` counts from 1."""

    delivery_id: int
    fence: int
    attempt: int
    channel: str
    to: Address
    message: Message


def claim(db: Database, seconds: float, public_url: str) -> Claim | None:
    """Take the next delivery that is due, for ``seconds``; None when there is none.

    Messages that failed less often go first: a receiver that is down does not hold up the others.
    """
    if not _something_is_due(db):
        return None
    with db.write() as session:
        now = database_now(session)
        while delivery := session.exec(_due(now).with_for_update(skip_locked=True)).first():
            subscription = session.get_one(Subscription, delivery.subscription_id)
            alert = session.get_one(Alert, delivery.alert_id)
            delivery.fence += 1
            if not subscription.enabled:
                _die(delivery, f"the subscription has ended: {subscription.ended}")
            elif not _may_be_told(session, subscription, alert):
                _die(
                    delivery,
                    f"{subscription.created_by} subscribed, and may no longer: no team of theirs lets them",
                )
            elif delivery.attempts > len(DELAYS):
                _die(delivery, f"given up after {delivery.attempts} attempts; the last sender fell silent")
            else:
                delivery.attempts += 1
                delivery.due_at = now + timedelta(seconds=seconds)
                return _claim(session, delivery, subscription, alert, public_url)
            session.flush()
    return None


def _may_be_told(session: Session, to: Subscription, alert: Alert) -> bool:
    """As the teams are now, and whose the model is by now."""
    if not to.bound:
        return True
    if alert.team_id is not None:
        return teams.lets_in(session, to.created_by, "alerts", alert.team_id)
    model_id = to.model_id if to.team_id is None else alert.model_id
    return teams.lets(session, to.created_by, "alerts", model_id)


def _something_is_due(db: Database) -> bool:
    with db.read() as session:
        return session.exec(_due(database_now(session))).first() is not None


def _due(now: Any) -> Any:
    query = select(AlertDelivery).where(AlertDelivery.status == "pending", col(AlertDelivery.due_at) <= now)
    return query.order_by(col(AlertDelivery.attempts), col(AlertDelivery.due_at), col(AlertDelivery.id)).limit(1)


def _die(delivery: AlertDelivery, why: str) -> None:
    delivery.status, delivery.error = "dead", why


def _claim(session: Session, delivery: AlertDelivery, to: Subscription, alert: Alert, public_url: str) -> Claim:
    model = session.get(Model, alert.model_id) if alert.model_id else None
    body = dict(alert.body)
    message = Message(
        id=delivery.message_id,
        alert_id=alert.id,
        event=alert.event,
        severity=alert.severity,
        title=alert.title,
        lines=tuple(body.pop("lines", ())),
        url=public_url.rstrip("/") + body.pop("path", "/alerts"),
        model=model.name if model else None,
        environment=alert.environment,
        at=alert.created_at,
        data=body,
    )
    address = Address(to.target, to.secret)
    return Claim(delivery.id, delivery.fence, delivery.attempts, to.channel, address, message)


def settle(db: Database, claim: Claim, receipt: Receipt) -> bool:
    """Note that the message arrived. False when the claim had lapsed and another took it."""
    with db.write() as session:
        now = database_now(session)
        told = {**receipt, "at": now.isoformat()}
        return _write(session, claim, status="delivered", receipt=told, delivered_at=now, error=None)


def give_up_or_postpone(db: Database, claim: Claim, problem: NotDelivered) -> bool:
    """Note that the message did not arrive, and when it is sent again, if ever. False as in ``settle``."""
    with db.write() as session:
        now = database_now(session)
        if problem.gone:
            _end(session, claim, str(problem))
        if problem.permanent or claim.attempt > len(DELAYS):
            return _write(session, claim, status="dead", error=str(problem))
        wait = DELAYS[claim.attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)
        due_at = now + timedelta(seconds=max(wait, problem.retry_after or 0))
        return _write(session, claim, due_at=due_at, error=str(problem))


def _end(session: Session, claim: Claim, why: str) -> None:
    own = select(AlertDelivery.subscription_id).where(AlertDelivery.id == claim.delivery_id).scalar_subquery()
    session.execute(update(Subscription).where(col(Subscription.id) == own).values(enabled=False, ended=why))


def _write(session: Session, claim: Claim, **values: Any) -> bool:
    mine = (
        col(AlertDelivery.id) == claim.delivery_id,
        col(AlertDelivery.status) == "pending",
        col(AlertDelivery.fence) == claim.fence,
    )
    return rows_changed(session.execute(update(AlertDelivery).where(*mine).values(**values))) == 1
