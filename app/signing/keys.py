"""The keys that Assay signs with: private halves in files, public ones in the database, for ever.

``ASSAY_SIGNING_KEY_FILE`` names the one file that all replicas share; without it keys lie in the data folder, where
the first is made when it is needed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlmodel import Session

from app.access import audit_log
from app.config import Settings
from app.db import utcnow
from app.errors import Conflict, Unavailable
from app.signing import queries
from app.signing.dsse import Keys, as_pem, key_id, keys_in
from app.tables import SigningKey

ASSAY = "assay"


def signer(session: Session, settings: Settings) -> Ed25519PrivateKey:
    """The key in force. One that is new, in the file that the settings name, takes over.

    Raises:
        Unavailable: its private half is not here, or was retired: nothing can be signed, so nothing is decided.
    """
    row = queries.active(session)
    if settings.signing_key_file:
        key = _read(settings.signing_key_file)
        if row is None or row.id != key_id(key.public_key()):
            _put_in_force(session, key, row, ASSAY)
        return key
    if row is None:
        return _put_in_force(session, _made(settings.key_dir), None, ASSAY)
    return _read(settings.key_dir / f"{row.id}.pem")


def rotate(session: Session, settings: Settings, actor: str) -> str:
    """Put a new key in force; what the earlier ones signed stays good. Returns its id.

    Raises:
        Conflict: the settings name the file of the key.
    """
    if settings.signing_key_file:
        raise Conflict(
            f"the key is in {settings.signing_key_file}: put another there for every replica, and start them anew"
        )
    key = _put_in_force(session, _made(settings.key_dir), queries.active(session), actor)
    return key_id(key.public_key())


def trusted(session: Session) -> Keys:
    """Every key that ever signed here, retired ones too."""
    return keys_in(row.public for row in queries.all_keys(session)) if queries.active(session) else {}


def _put_in_force(
    session: Session, key: Ed25519PrivateKey, before: SigningKey | None, actor: str
) -> Ed25519PrivateKey:
    name, now = key_id(key.public_key()), utcnow()
    if session.get(SigningKey, name) is not None:
        raise Unavailable(f"the signing key {name} was retired: give every replica the file of the new one")
    if before is not None:
        queries.retire(session, before.id, now)
    session.add(SigningKey(id=name, public=as_pem(key.public_key()), created_at=now))
    session.flush()
    earlier = before.id if before else None
    audit_log.record(session, actor, "signing_key.create", f"signing-key/{name}", before=earlier, after=name)
    return key


def _made(folder: Path) -> Ed25519PrivateKey:
    """A new key, on disk before anything is signed with it."""
    key = Ed25519PrivateKey.generate()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder / f"{key_id(key.public_key())}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        opened.flush()
        os.fsync(opened.fileno())
    return key


@lru_cache(maxsize=8)
def _read(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable(
            f"nothing can be signed: the key {file.name} cannot be read ({error}). Replicas need the same key: "
            "set ASSAY_SIGNING_KEY_FILE for each"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"nothing can be signed: the key {file.name} is not an Ed25519 key")
    return key
