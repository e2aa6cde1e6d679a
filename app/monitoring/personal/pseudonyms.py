"""Ids of people as digests that nobody can try ids against who has not the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlmodel import Session

from app.db import Database, insert_new
from app.tables import Pseudonyms


def key_of(db: Database) -> bytes:
    """The key; the first call makes it."""
    with db.read() as session:
        row = session.get(Pseudonyms, Pseudonyms.ONLY)
    if row is not None:
        return bytes.fromhex(row.key)
    with db.write() as session:
        return key_in(session)


def key_in(session: Session) -> bytes:
    """The same within a session that writes."""
    row = session.get(Pseudonyms, Pseudonyms.ONLY)
    if row is None:
        insert_new(session, Pseudonyms, Pseudonyms(key=secrets.token_hex(32)).model_dump())
        row = session.get_one(Pseudonyms, Pseudonyms.ONLY)
    return bytes.fromhex(row.key)


def digest(key: bytes, one: str) -> str:
    """HMAC-SHA-256, hex. Customer numbers are few: a plain digest of one is found by trying all of them."""
    return hmac.new(key, one.encode(), hashlib.sha256).hexdigest()
