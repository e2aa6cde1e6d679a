"""Taking in one message: whose it is, whether it came before, what it tells, and what the ledger made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.connections import github, gitlab, mlflow, queries, signatures, standard
from app.connections.schemas import MessageOut, Status
from app.connections.signatures import Headers, Message, Unsigned
from app.connections.translating import Ignored, Scope, translated
from app.db import Database, database_now
from app.errors import Conflict, Invalid
from app.ledger import service as ledger
from app.ledger.events import Event
from app.ledger.schemas import TakenOut
from app.tables import ReceivedMessage, ToolConnection

MOST_SAID = 1000
"""Characters of a reason."""

Translate = Callable[[Message, Mapping[str, Any], Scope], list[Event]]

TRANSLATE: Mapping[str, Translate] = {
    "github": lambda message, body, _: translated("GitHub", github.TRANSLATORS, message.event, body),
    "gitlab": lambda message, body, _: translated("GitLab", gitlab.TRANSLATORS, message.event, body),
    "mlflow": lambda _, body, scope: mlflow.events(body, scope),
    "webhook": lambda _, body, __: standard.events(body),
}


@dataclass(frozen=True)
class Outcome:
    status: Status
    reason: str = ""
    events: int = 0
    untaken: int = 0


def receive(database: Database, name: str, headers: Headers, content: bytes) -> MessageOut:
    """Take in a message; the same one again changes nothing.

    Whoever did not sign gets to read one row and to write nothing.

    Returns:
        What became of it, the first time that it came.

    Raises:
        Unsigned: no open connection of that name has signed it, or not just now.
        Conflict: another message came under its id.
    """
    with database.read() as session:
        connection, now = queries.open_named(session, name), database_now(session)
    if connection is None:
        raise Unsigned
    message = signatures.authentic(connection.kind, headers, content, _secrets(connection, now), now)
    with database.write() as session:
        return MessageOut(**_take(session, connection, message).model_dump())


def _secrets(connection: ToolConnection, now: datetime) -> list[str]:
    overlap = connection.previous_until is not None and connection.previous_until > now
    previous = connection.previous_secret if overlap else None
    return [connection.secret, *([previous] if previous else [])]


def _take(session: Session, connection: ToolConnection, message: Message) -> ReceivedMessage:
    """Writers queue, so that of one message that comes several times at once only the first is new."""
    now = database_now(session)
    row = queries.message(session, connection.id, message.id)
    if row is not None and row.digest != message.digest:
        raise Conflict(f"the message {message.id} came before with other content")
    if row is None or row.status == "refused" or row.untaken:  # what was not taken may be by now
        outcome = _judge(session, connection, message, now)
        row = _row(row, connection, message, now, outcome)
    else:
        row.times, row.last_at = row.times + 1, now
    session.add(row)
    session.flush()
    return row


def _row(
    known: ReceivedMessage | None, connection: ToolConnection, message: Message, now: datetime, outcome: Outcome
) -> ReceivedMessage:
    facts = {**asdict(outcome), "last_at": now}
    if known is not None:
        return known.sqlmodel_update({**facts, "times": known.times + 1})
    return ReceivedMessage(
        connection_id=connection.id,
        key=message.id,
        event=(message.event or _type(message))[:100],
        digest=message.digest,
        received_at=now,
        **facts,
    )


def _judge(session: Session, connection: ToolConnection, message: Message, now: datetime) -> Outcome:
    scope = Scope(tuple(connection.repositories), tuple(connection.pipelines), connection.models)
    try:
        events = TRANSLATE[connection.kind](message, _parsed(message.content), scope)
        for event in events:
            scope.require(event)
    except Ignored as reason:
        outcome = Outcome("ignored", str(reason)[:MOST_SAID])
    except Invalid as error:
        outcome = Outcome("refused", error.detail[:MOST_SAID])
    except ValidationError as error:
        outcome = Outcome("refused", f"what it tells is no event of the ledger: {error.errors()[0]['msg']}")
    else:
        source = f"{connection.kind}:{connection.name}"
        taken = ledger.record(session, source, _identity(connection), events)
        outcome = _outcome(events, taken, now)
    audit_log.record(
        session,
        _identity(connection).name,
        "connection.receive",
        f"connection/{connection.name}",
        message=message.id,
        status=outcome.status,
    )
    return outcome


def _identity(connection: ToolConnection) -> Identity:
    """A tool, so that what it tells counts as automated."""
    return Identity(f"connection {connection.name}", "ci", frozenset({"evidence"}))


def _parsed(content: bytes) -> Mapping[str, Any]:
    """Raises Invalid."""
    try:
        body = json.loads(content)
    except ValueError:
        raise Invalid("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Invalid("the body is not a JSON object")
    return body


def _type(message: Message) -> str:
    """What a message is about, where its headers do not say."""
    try:
        body = _parsed(message.content)
    except Invalid:
        return ""
    return str(body.get("type") or f"{body.get('entity', '')}.{body.get('action', '')}")


def _outcome(events: Sequence[Event], taken: Sequence[TakenOut], now: datetime) -> Outcome:
    untaken = sum(one.status == "refused" for one in taken)
    early = any(ledger.is_early(event, now) for event in events)
    status: Status = "refused" if untaken else "recorded"
    if early or any(one.status == "set_aside" for one in taken):
        status = "set_aside"
    reasons = dict.fromkeys(one.reason for one in taken if one.status not in {"recorded", "known"})
    return Outcome(status, "; ".join(reasons)[:MOST_SAID], len(events), untaken)
