"""How many requests a second are answered: of a token, and of an address whose requests carry no valid one.

A bucket fills at a steady rate and holds what comes in ten seconds, so that short bursts pass. Each process counts
by itself. Whoever is known is never refused for what strangers send from the same address, such as that of a proxy.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import ClassVar

from fastapi import Depends, Request

from app.access.identity import Identity
from app.config import Settings
from app.errors import AssayError, NotAuthenticated

BURST_SECONDS = 10
MOST_KEYS = 10_000
V6_PREFIX = 64
"""What one subscriber has at least."""


class TooManyRequests(AssayError):
    """Too many requests; wait as long as Retry-After says."""

    status: ClassVar[int] = 429
    slug: ClassVar[str] = "too-many-requests"


class Buckets:
    """A bucket for each key; ``rate`` of 0: no limit. The keys used longest ago are forgotten, in their favour."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.size = max(1.0, rate * BURST_SECONDS)
        self._clock = clock
        self._filled: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, key: object) -> None:
        """Count one request. Raises ``TooManyRequests`` when there is none left."""
        if not self.rate:
            return
        now = self._clock()
        left, since = self._filled.pop(key, (self.size, now))
        left = min(self.size, left + (now - since) * self.rate)
        self._filled[key] = (left - 1 if left >= 1 else left), now
        if len(self._filled) > MOST_KEYS:
            self._filled.popitem(last=False)
        if left < 1:
            raise TooManyRequests(retry_after=math.ceil((1 - left) / self.rate))


class Rates:
    """The buckets of one process; used from its event loop alone."""

    def __init__(self, settings: Settings) -> None:
        self.known = Buckets(settings.requests_per_second)
        self.predicting = Buckets(settings.predictions_per_second)
        self.strangers = Buckets(settings.strangers_per_second)


async def limit_strangers(request: Request) -> AsyncIterator[None]:
    """Dependency of the whole application, around the guard and the route: counts who is not let in."""
    try:
        yield
    except NotAuthenticated:
        await take_from_address(request)
        raise


async def limit_known(request: Request) -> None:
    """Dependency of the whole application, after the guard."""
    identity: Identity | None = getattr(request.state, "identity", None)
    if identity is not None:
        rates = _rates(request)
        predicts = request.url.path.endswith("/infer")
        (rates.predicting if predicts else rates.known).take(identity.token_id)


async def take_from_address(request: Request) -> None:
    """Count a request of somebody unknown, once. Raises ``TooManyRequests``."""
    if getattr(request.state, "counted", False):
        return
    request.state.counted = True
    _rates(request).strangers.take(network_of(request.client.host if request.client else ""))


def network_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the network of an IPv6 one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((parsed, V6_PREFIX), strict=False))


def _rates(request: Request) -> Rates:
    rates: Rates = request.app.state.rates
    return rates


BY_ADDRESS = Depends(take_from_address)
"""For routes that work for anybody who comes."""
