"""What a check leaves aside because two people agreed to accept it for a while."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any


def accepted(subjects: Iterable[str], until: Mapping[str, str]) -> bool:
    """Whether all of these features or columns are accepted. ``until``: the last day by subject."""
    return all(one in until for one in subjects)


def told_accepted(subjects: Sequence[str], until: Mapping[str, str]) -> str:
    """A sentence to add to a reason, "" where nothing was left aside."""
    named = ", ".join(f"{one} (until {until[one]})" for one in dict.fromkeys(subjects))
    return f" Accepted by two people: {named}." if named else ""


def without(ended: Collection[str], measured: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured, as if the acceptances of these features or columns had not been there."""
    if not ended or not measured:
        return measured
    return {**measured, "accepted": {one: day for one, day in measured["accepted"].items() if one not in ended}}
