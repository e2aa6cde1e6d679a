"""What an issuer publishes of itself, endpoints and keys: fetched by the guarded client and kept for a while."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from app.errors import Unavailable
from app.outgoing import Answer, Client, Failed, Refused

KEPT_SECONDS = 600
"""So long a withdrawn key, or an endpoint that moved, may still be used."""
AGAIN_SECONDS = 30
"""Between two looks for a key that is not there, for tokens may name any; and after a failure."""
CALL_SECONDS, MOST_BYTES = 10, 512 * 1024

WELL_KNOWN = "/.well-known/openid-configuration"
PUBLIC_KEYS = frozenset({"RSA", "EC", "OKP"})
"""Kinds of keys that verify and cannot sign."""

Key = Mapping[str, Any]
"""A JWK."""


class Issuer:
    """One issuer, named by its URL."""

    def __init__(self, url: str, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._client = client
        self._metadata = _Kept(self._fetch_metadata, clock)
        self._keys = _Kept(self._fetch_keys, clock)

    def metadata(self) -> Mapping[str, Any]:
        """The discovery document."""
        return self._metadata.get()

    def endpoint(self, name: str) -> str:
        """A URL of the discovery document. Raises ``Unavailable`` where it names none."""
        found = self.metadata().get(name)
        if not isinstance(found, str):
            raise Unavailable(f"{self.url} publishes no {name}.")
        return found

    def keys(self, kid: object) -> list[Key]:
        """Its public keys of that name, looked for anew when there is none; all of them for None."""
        found = self._keys.get(lambda document: bool(_named(document["keys"], kid)))
        return _named(found["keys"], kid)

    def fetch(self, url: str, **headers: str) -> dict[str, Any]:
        """The JSON object at a URL of the issuer. Raises ``Unavailable`` when there is none."""
        answer = self.ask("GET", url, headers)
        document = json_object(answer)
        if answer.status != 200 or document is None:
            raise Unavailable(f"{self.url} answered with status {answer.status}, and nothing that is understood.")
        return document

    def post(self, url: str, form: Mapping[str, str], **headers: str) -> Answer:
        content = urlencode(form).encode()
        return self.ask("POST", url, {"Content-Type": "application/x-www-form-urlencoded", **headers}, content)

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """Whatever is answered. Raises ``Unavailable`` where nobody answers, or nobody is to be asked."""
        sent = {"Accept": "application/json", **headers}
        limits: Any = {"seconds": CALL_SECONDS, "most_bytes": MOST_BYTES}
        try:
            return self._client.send(method, url, headers=sent, content=content, **limits)
        except Refused as error:
            raise Unavailable(f"{self.url} is not called: {error} (ASSAY_OUTGOING_ALLOWED_HOSTS).") from error
        except Failed as error:
            raise Unavailable(f"{self.url} does not answer: {error}.") from error

    def _fetch_metadata(self) -> Mapping[str, Any]:
        document = self.fetch(f"{self.url.rstrip('/')}{WELL_KNOWN}")
        if document.get("issuer") != self.url:
            raise Unavailable(f"{self.url} publishes itself as another issuer.")
        return document

    def _fetch_keys(self) -> Mapping[str, Any]:
        found = self.fetch(self.endpoint("jwks_uri")).get("keys")
        listed = found if isinstance(found, list) else []
        return {"keys": [key for key in listed if isinstance(key, dict) and _verifies(key)]}


class Issuers:
    """The issuers that the configuration names, each known once to the whole process."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        self._client = Client(allowed_hosts)
        self._known: dict[str, Issuer] = {}

    def __getitem__(self, url: str) -> Issuer:
        return self._known.setdefault(url, Issuer(url, self._client))


class _Kept:
    """A document that is fetched when it is old. Threads wait for each other's fetch instead of repeating it."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]], clock: Callable[[], float]) -> None:
        self._fetch, self._clock, self._lock = fetch, clock, threading.Lock()
        self._document: Mapping[str, Any] = {}
        self._problem: Unavailable | None = None
        self._fetched = self._tried = float("-inf")

    def get(self, fits: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> Mapping[str, Any]:
        """The document; fetched anew, though not too often, when the one that is kept does not fit."""
        with self._lock:
            now = self._clock()
            old = now - self._fetched > KEPT_SECONDS
            if (old or not fits(self._document)) and now - self._tried > AGAIN_SECONDS:
                self._refresh(now)
            elif old and self._problem:
                raise Unavailable(self._problem.detail)
            return self._document

    def _refresh(self, now: float) -> None:
        self._tried = now
        try:
            self._document = self._fetch()
        except Unavailable as error:
            self._problem = error
            raise
        self._fetched, self._problem = now, None


def json_object(answer: Answer) -> dict[str, Any] | None:
    """What an answer holds, where that is a JSON object, and whole."""
    try:
        found = json.loads(answer.content) if answer.complete else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _named(keys: Collection[Key], kid: object) -> list[Key]:
    return [key for key in keys if kid is None or key.get("kid") == kid]


def _verifies(key: Key) -> bool:
    return key.get("kty") in PUBLIC_KEYS and key.get("use", "sig") == "sig"
