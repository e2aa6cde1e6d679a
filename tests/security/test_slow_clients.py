"""Four hundred sockets that send next to nothing: good traffic is answered, and all of them are closed in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx2
import pytest

from tests.http.conftest import serving

pytestmark = pytest.mark.slow

SOCKETS = 400
CLOSED_WITHIN = 10.0
EVERY = 0.5
"""Seconds between two drops."""
IDLE = "an answered request, then nothing"


def kinds(token):
    """What each kind of slow client sends at once, and what it goes on with."""

    def post(path, media_type, *headers):
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {media_type}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()

    bearer, long = f"Authorization: Bearer {token}", "Content-Length: 1000000"
    form = "application/x-www-form-urlencoded"
    read = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return {
        "nothing": (b"", b""),
        "blank lines": (b"", b"\r\n"),
        "a head": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-Y: z\r\n"),
        "half of a second head": (read + b"GET / HTTP/1.1\r\n", b"X-Y: z\r\n"),
        "JSON": (post("/api/v1/tokens", "application/json", long), b"[" * 10),
        "a form of sign-in": (post("/sign-in", form, long), b"code=" * 2),
        "text to a route that changes something": (post("/api/v1/tokens", "text/plain", bearer, long), b"x" * 10),
        "a message of a tool": (post("/hooks/any", "text/plain", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        "an upload": (post("/api/v1/predictions", "text/csv", bearer, long), b"x" * 10),
        "an upload that was refused already": (post("/api/v1/predictions", "text/csv", long), b"x" * 10),
        IDLE: (read, b""),
    }


@dataclass
class Slow:
    kind: str
    open_for: float | None = None
    """Seconds; None: still open when the test ended."""


async def be_slow(port, slow, begins, goes_on, until):
    """One socket; what it is sent is read and thrown away."""
    start = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip():
        while goes_on:
            await asyncio.sleep(EVERY)
            writer.write(goes_on)

    writer.write(begins)
    dripping = asyncio.create_task(drip())
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            with suppress(ConnectionError):
                while await reader.read(4096):
                    pass
            slow.open_for = time.monotonic() - start
    dripping.cancel()
    writer.transport.abort()


async def ask(client, statuses, until):
    """Good traffic: reading and changing, over connections of its own, some of them new."""
    while asyncio.get_running_loop().time() < until:
        statuses.append((await client.get("/api/v1/me")).status_code)
        statuses.append((await client.post("/api/v1/tokens", json={"name": "a", "role": "viewer"})).status_code)
        statuses.append((await client.get("/health/live", headers={"Connection": "close"})).status_code)
        await asyncio.sleep(0.1)


async def attack(server, token, sockets, seconds, clients=3):
    """The slow ones, and what good traffic was answered with meanwhile."""
    until = asyncio.get_running_loop().time() + seconds
    all_kinds = list(kinds(token).items())
    slow = [(Slow(name), *sent) for name, sent in (all_kinds[n % len(all_kinds)] for n in range(sockets))]
    statuses = []
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        await asyncio.gather(
            *(be_slow(server.port, *one, until) for one in slow),
            *(ask(client, statuses, until - 1) for _ in range(clients)),
        )
    return [one for one, *_ in slow], statuses


@pytest.fixture
def server(settings, tmp_path):
    with serving(settings, tmp_path / "log") as running:
        yield running


def test_four_hundred_slow_sockets_are_closed_and_good_traffic_is_answered(server, secret):
    slow, statuses = asyncio.run(attack(server, secret("admin"), SOCKETS, 16))
    late = {one.kind: one.open_for for one in slow if one.open_for is None or one.open_for > CLOSED_WITHIN}
    assert late.pop(IDLE, 11.0) < 14  # which has a limit of its own: ASSAY_IDLE_SECONDS
    assert late == {}
    assert len(statuses) > 60
    assert set(statuses) == {200, 201}


def test_without_the_defence_they_stay_open(settings, secret, tmp_path):
    """Positive control: these sockets are slow, and it is our protocol that closes them."""
    with serving(settings, tmp_path / "log", defended=False) as bare:
        slow, _ = asyncio.run(attack(bare, secret("admin"), 22, 14, clients=0))
    assert {one.kind for one in slow if one.open_for is not None} == {IDLE}
