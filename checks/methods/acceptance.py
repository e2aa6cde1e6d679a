"""What a check leaves aside because two people agreed to accept it for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def accepted(subjects: Iterable[str], until: Mapping[str, str]) -> bool:
    """Whether all of these features or columns are accepted. ``until``: the last day by subject."""
    return all(one in until for one in subjects)


def told_accepted(subjects: Sequence[str], until: Mapping[str, str]) -> str:
    """A sentence to add to a reason, "" where nothing was left aside."""
    named = ", ".join(f"{one} (until {until[one]})" for one in dict.fromkeys(subjects))
    return f" Accepted by two people: {named}." if named else ""
