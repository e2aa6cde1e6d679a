"""Signs decisions, and tells whether a stored one is still what was signed. Services never commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.access import audit_log
from app.config import Settings
from app.signing import dsse, keys
from app.signing import statement as statements
from app.tables import Decision


def sign_decision(
    session: Session, settings: Settings, body: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The envelope of a decision that was just derived. Raises Unavailable where no key can sign it."""
    key, verifier = keys.signer(session, settings), settings.public_url.rstrip("/")
    told = statements.statement(body, inputs, verifier, audit_log.head_of(session))
    return dsse.sign(key, statements.PAYLOAD_TYPE, told)


def stored_problem(session: Session, row: Decision) -> str | None:
    """How a stored decision differs from what was signed; None when it does not."""
    return statements.stored_problem(row.envelope, keys.trusted(session), row.id, row.body, row.inputs)
