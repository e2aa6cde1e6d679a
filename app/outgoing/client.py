"""The one client for addresses that users name: it reaches public addresses, and what an administrator allows.

A name is resolved once. Every address that it resolves to must be public, and one of these very addresses is
dialled, so that a name cannot point elsewhere a moment later; the certificate is still checked against the name.
No redirect is followed, no proxy or credential is taken from the environment, and an answer has limits of size
and of time, the latter for all of it together. Why: docs/decisions/0016-alerts.md.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network

from app.outgoing.answers import Answer, Failed
from app.outgoing.urls import IP, Target, bracketed, is_public, literal, parse, refuse

Resolve = Callable[[str, int], Sequence[IP]]

PORTS = frozenset({443, 8443})
"""Of hosts that no administrator has allowed."""


def system_resolve(host: str, port: int) -> list[IP]:
    """The addresses of a name, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


class Client:
    """Sends requests under the rules above.

    Args:
        allowed: hosts that an administrator vouches for: a name, name:port, address, or network (10.0.0.0/8).
            These may be private, speak plain http, and use any port.
        resolve: gives the addresses of a name (tests bring their own).
        tls: trust store other than the system's.
    """

    def __init__(
        self, allowed: Iterable[str] = (), *, resolve: Resolve = system_resolve, tls: ssl.SSLContext | None = None
    ) -> None:
        self._names, self._networks = set[str](), []
        for entry in allowed:
            try:
                self._networks.append(ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())
        self._resolve = resolve
        self._tls = tls

    def check(self, url: str) -> None:
        """Raises ``Refused`` unless the URL may be called. A name that cannot be resolved now may be later."""
        try:
            self._addresses(parse(url))
        except Failed:
            return

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        seconds: float = 15,
        most_bytes: int = 64 * 1024,
    ) -> Answer:
        """Send one request and read the answer, whatever its status.

        Args:
            seconds: for everything but resolving the name, which has the system's own limit.
            most_bytes: how much of the answer's content is read.

        Raises:
            Refused: the URL, or an address that its name resolves to, is not allowed.
            Failed: nobody answered, or not in time.
        """
        from app.outgoing.dialling import Request, exchange

        target = parse(url)
        addresses, tls = self._addresses(target), self._tls or ssl.create_default_context()
        request = Request(method, target, dict(headers or {}), content)
        return exchange(request, addresses, tls, seconds=seconds, most_bytes=most_bytes)

    def _addresses(self, target: Target) -> Sequence[IP]:
        """Where the target may be dialled. Raises Refused, or Failed when the name cannot be resolved."""
        named = not self._names.isdisjoint({target.host, f"{bracketed(target.host)}:{target.port}"})
        if target.scheme != "https" and not named and not self._networks:
            refuse("it must begin with https://")
        found = [_unmapped(one) for one in self._look_up(target)]
        if not found:
            raise Failed(f"{target.host} has no address")
        private = [one for one in found if not (named or self._inside(one) or is_public(one))]
        if private:
            refuse(f"{target.host} leads to {private[0]}, which is not a public address")
        if named or all(map(self._inside, found)):
            return found
        if target.scheme != "https":
            refuse("it must begin with https://")
        if target.port not in PORTS:
            refuse(f"port {target.port} is none of {', '.join(map(str, sorted(PORTS)))}")
        return found

    def _look_up(self, target: Target) -> Sequence[IP]:
        address = literal(target.host)
        if address is not None:
            return [address]
        try:
            return self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise Failed(f"{target.host} cannot be resolved") from error

    def _inside(self, address: IP) -> bool:
        return any(address in network for network in self._networks)


def _unmapped(address: IP) -> IP:
    return getattr(address, "ipv4_mapped", None) or address
