"""Which URLs and which addresses are called at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NoReturn
from urllib.parse import urlsplit

IP = IPv4Address | IPv6Address

LONGEST_URL, LONGEST_NAME = 2000, 253

UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = (  # beside what ``is_global`` knows in every supported version of Python
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2001::/23"),  # Teredo and other IETF protocol assignments
    IPv6Network("2002::/16"),  # 6to4: any IPv4 address inside
    IPv6Network("3fff::/20"),  # documentation
)

_URL = re.compile(r"[\x21\x22\x24-\x5b\x5d-\x7e]+")
_NETLOC = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Refused(Exception):
    """The URL is none that this service calls."""


@dataclass(frozen=True)
class Target:
    """A URL in parts. ``host`` is a lower-case name, or an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str


def parse(url: str) -> Target:
    """The parts of an http(s) URL. Raises Refused unless it is written in the plainest way."""
    if len(url) > LONGEST_URL or not _URL.fullmatch(url):
        refuse(f"a URL has at most {LONGEST_URL} characters: ASCII, without blanks, backslashes and #")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Refused(f"it is not a URL: {error}") from error
    if parts.scheme not in {"http", "https"}:
        refuse("it must begin with https://")
    if "@" in parts.netloc:
        refuse("a user name or password does not belong in a URL")
    found = _NETLOC.fullmatch(parts.netloc.lower())
    if found is None:
        refuse(f"{parts.netloc!r} is not the name of a host")
    host = _plain_host(found[1])
    port = int(found[2] or (443 if parts.scheme == "https" else 80))
    if not 0 < port < 2**16:
        refuse(f"{port} is not a port")
    return Target(parts.scheme, host, port, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")


def is_public(address: IP) -> bool:
    """Whether an address is one of the public Internet, also where an IPv6 one wraps an IPv4 one."""
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in UNICAST:
            return False
    elif address.is_multicast or address.is_reserved:
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def _plain_host(text: str) -> str:
    host = text.strip("[]")
    if text.startswith("["):
        try:
            return str(IPv6Address(host))
        except ValueError as error:
            raise Refused(f"{text} is not an IPv6 address") from error
    labels = host.split(".")
    if len(host) > LONGEST_NAME or not all(labels):
        refuse(f"{host!r} is not the name of a host")
    if _NUMBER.fullmatch(labels[-1]) and literal(host) is None:
        refuse(f"{host!r} is neither a name nor an address of four numbers")
    return host


def literal(host: str) -> IP | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def refuse(why: str) -> NoReturn:
    raise Refused(why)
