"""What differs between two registrations of one version, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SHOWN = 60
"""Characters of a value that are worth showing."""


def differences(stored: Any, given: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield ``(dotted path, message)`` for every leaf that is not the same in both."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for key in sorted(stored.keys() | given.keys()):
            yield from differences(stored.get(key), given.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        for i, (one, other) in enumerate(zip(stored, given, strict=True)):
            yield from differences(one, other, f"{path}.{i}")
    elif stored != given:
        yield path, f"registered as {_shown(stored)}, now {_shown(given)}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
