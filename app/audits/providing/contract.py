"""What a module of this package offers: by type of evidence, a function that makes it in the attempt's process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.audits.attempt import Attempt


@dataclass(frozen=True)
class Provided:
    """A piece of evidence, the digests of what it was made from by name, and why it earns 0.5 at most, if so."""

    value: Any
    inputs: dict[str, str] = field(default_factory=dict)
    cap: str | None = None


class Source(Protocol):
    """Other evidence of the same attempt."""

    def get(self, kind: type) -> Provided:
        """Evidence of this type. Raises Missing."""


Providers = Mapping[type, Callable[[Source, Attempt], Provided]]
