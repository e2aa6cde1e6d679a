"""What comes of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class Failed(Exception):
    """No answer came."""


@dataclass(frozen=True)
class Answer:
    """``headers`` by lower-case name. Not ``complete``: the limit of size or time cut ``content`` short."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    complete: bool
