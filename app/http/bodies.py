"""Request bodies: counted while they arrive; JSON is looked through before anything parses it.

Parsers recurse, grow without bound or accept what JSON does not know (NaN), and what they let in surfaces as an
internal error far from its cause. So JSON is refused here when it is nested too deeply, is not UTF-8, or holds
numbers or characters that cannot be stored.

Only uploads go on to their route while they arrive. Anything else is here as a whole before the application hears
of it, so that a slow client holds no slot, no thread and no lock.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import MEGABYTE, Settings
from app.errors import Invalid, TooLarge
from app.http.problems import problem_response

MAX_DEPTH = 32
MAX_VALUES = 200_000
"""In memory a value takes up to 250 bytes, whatever its size in the body."""
UPLOADS = (("PUT", "/api/v1/blobs/"), ("POST", "/api/v1/predictions"), ("POST", "/api/v1/labels/file"))
"""Routes (method, start of the path) whose body is a file."""
INTEGERS = range(-(2**63), 2**63)

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or the rest of the body when its end is missing: that keeps hostile bodies linear."""
_SUSPECT = re.compile(rb"[0-9]{19}|[eE]\+?[0-9]{3}|NaN|Infinity")
"""Where a number may not fit; a closer look decides."""
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [0] * 256
for _opening, _closing in (b"[]", b"{}"):
    _STEP[_opening], _STEP[_closing] = 1, -1


class Bodies:
    """ASGI middleware: bodies larger than the settings allow are 413, JSON that cannot be used is 422."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.max_body = settings.max_body_mb * MEGABYTE
        self.max_upload = settings.max_upload_mb * MEGABYTE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = is_upload(scope)
        counted = _Counter(receive, self.max_upload if upload else self.max_body)
        headers = Headers(scope=scope)
        try:
            counted.expect(headers.get("content-length"))
            if upload:
                receive = counted.receive
            else:
                receive = await _arrived(counted, check="json" in headers.get("content-type", "").lower())
        except (TooLarge, Invalid) as error:
            await problem_response(error, {"Connection": "close"})(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_upload(scope: Scope) -> bool:
    return any(scope["method"] == method and scope["path"].startswith(path) for method, path in UPLOADS)


class BodyTooLarge(HTTPException):
    """Raised while a route reads: FastAPI passes on this kind alone."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, str(_too_large(limit)))


class _Counter:
    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self.limit = limit
        self.seen = 0

    def expect(self, length: str | None) -> None:
        if length is not None and length.isdecimal() and int(length[:20]) > self.limit:
            raise _too_large(self.limit)

    async def receive(self) -> Message:
        message = await self._receive()
        self.seen += len(message.get("body", b""))
        if self.seen > self.limit:
            raise BodyTooLarge(self.limit)
        return message

    async def read(self) -> bytes | None:
        """The whole body; None when the client went away before its end."""
        chunks: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return None
            chunks.append(message.get("body", b""))
            self.seen += len(chunks[-1])
            if self.seen > self.limit:
                raise _too_large(self.limit)
            if not message.get("more_body", False):
                return b"".join(chunks)


async def _arrived(counted: _Counter, *, check: bool) -> Receive:
    body = await counted.read()
    if body and check:
        check_json(body)
    first: Message | None = {"type": "http.disconnect"}
    if body is not None:
        first = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal first
        message, first = first, None
        return await counted.receive() if message is None else message

    return replay


def check_json(body: bytes) -> None:
    """Raises ``Invalid`` for JSON that must not reach a parser or the database; linear in ``body``.

    Syntax is left to the parser: what passes here may still be no JSON.
    """
    if b"\0" in body or not _is_utf8(body):
        raise Invalid("The body is not UTF-8.")
    if body.count(b'"') > 4 * MAX_VALUES:  # a member has four; taking strings out costs memory for each
        raise _too_many_values()
    skeleton = _STRING.sub(b"", body)
    brackets = skeleton.translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise Invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if len(brackets) // 2 + skeleton.count(b",") > MAX_VALUES:
        raise _too_many_values()
    if _SUSPECT.search(skeleton) or b"\\u" in body:
        _check_values(body)


def _too_many_values() -> Invalid:
    return Invalid(f"The body holds more than {MAX_VALUES:,} values.")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_values(body: bytes) -> None:
    try:
        parsed = json.loads(body, parse_constant=_no_constant, parse_int=_whole, parse_float=_finite)
    except json.JSONDecodeError:
        return
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and _NOT_TEXT.search(value):
            raise Invalid("The body holds a character that is no text: U+0000 or half of a surrogate pair.")


def _no_constant(name: str) -> float:
    raise Invalid(f"{name} is not a JSON number; leave the field out or send null.")


def _whole(digits: str) -> int:
    if len(digits) > 20 or int(digits) not in INTEGERS:
        raise Invalid(f"A whole number of {len(digits)} characters does not fit into 64 bits.")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Invalid("A number is too large to be stored.")
    return number


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // MEGABYTE} MB.")
