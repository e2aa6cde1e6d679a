"""The envelope DSSE 1.0 (github.com/secure-systems-lab/dsse) with Ed25519. Pure, and light to import.

A key's id is the SHA-256 of its public half as DER, as ``openssl pkey -pubin -outform DER | sha256sum`` gives it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

Keys = Mapping[str, Ed25519PublicKey]
"""By id."""

PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class NotSigned(Exception):
    """No trusted key signed this."""


def encoded(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the "pre-authentication encoding", which binds the type as well."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(key: Ed25519PrivateKey, payload_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope, JSON-ready."""
    content = json.dumps(payload, separators=(",", ":")).encode()
    signature = key.sign(encoded(payload_type, content))
    return {
        "payloadType": payload_type,
        "payload": base64.b64encode(content).decode(),
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def opened(envelope: Any, payload_type: str, keys: Keys) -> dict[str, Any]:
    """The payload of an envelope that one of ``keys`` signed.

    Raises:
        NotSigned: it is no envelope of that type, or none of its signatures is good.
    """
    try:
        kind, content = envelope["payloadType"], base64.b64decode(envelope["payload"], validate=True)
        signed = [(keys.get(one["keyid"]), base64.b64decode(one["sig"])) for one in envelope["signatures"]]
    except (TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise NotSigned(f"this is no DSSE envelope ({type(error).__name__}: {error})") from None
    if kind != payload_type:
        raise NotSigned(f"it holds {kind!r}, not {payload_type!r}")
    if all(key is None for key, _ in signed):
        raise NotSigned("none of the keys that you trust signed it")
    if not any(key is not None and _good(key, signature, encoded(kind, content)) for key, signature in signed):
        raise NotSigned("its signature is not good: it was changed after it was signed")
    payload: dict[str, Any] = json.loads(content)
    return payload


def _good(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def as_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def keys_in(texts: Iterable[str]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of files in PEM, each with any number of them. ValueError where other keys are in them."""
    found = [load_pem_public_key(pem.encode()) for text in texts for pem in PEM.findall(text)]
    keys = [key for key in found if isinstance(key, Ed25519PublicKey)]
    if not keys or len(keys) < len(found):
        raise ValueError("there are other keys than Ed25519 in it" if found else "there is no public key in it")
    return {key_id(key): key for key in keys}
