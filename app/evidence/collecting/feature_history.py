"""Finds in git's log where each feature was first named: in an added line, or in the name of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import IO

from app.evidence.git_record import FirstSeen

LONGEST_LINE = 64 * 1024
COMMIT = b"\x01"
"""Opens the line of a commit: "<hash> <author's time> <committer's time>". No line of a diff opens with it."""
NEVER = "no commit names it below the feature paths"
CUT = "the clone is shallow: it was there before the history begins"


def first_seen(log: IO[bytes], features: Sequence[str], cut_off: Collection[str]) -> list[FirstSeen]:
    """By feature, in the order given.

    Args:
        log: ``git log --reverse -p -U0 --cc`` with lines of commits as above; read only as far as is needed.
        features: names, looked for as whole words.
        cut_off: commits whose parents a shallow clone does not have: what is there may be older.
    """
    found: dict[str, FirstSeen] = {}
    words = {name: _word(name) for name in features}
    any_left = _any(words)
    commit = ""
    while words and (line := log.readline(LONGEST_LINE)):
        if line.startswith(COMMIT):
            commit = line[1:].decode("ascii", errors="replace")
        elif b"+" in line[:2] and any_left.search(line):
            named = [name for name, word in words.items() if word.search(line)]
            for name in named:
                found[name] = _seen(name, commit, cut_off)
                del words[name]
            any_left = _any(words) if named else any_left
    while log.read(LONGEST_LINE):  # let git end by itself
        pass
    return [found.get(name) or FirstSeen(feature=name, why=NEVER) for name in features]


def _word(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)")


def _any(words: Collection[str]) -> re.Pattern[bytes]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(b"|".join(re.escape(name.encode()) for name in longest_first) or rb"(?!)")


def _seen(feature: str, commit: str, cut_off: Collection[str]) -> FirstSeen:
    digest, author, committer = commit.split()
    if digest in cut_off:
        return FirstSeen(feature=feature, why=CUT)
    try:
        at = datetime.fromtimestamp(min(int(author), int(committer)), UTC)
    except (ValueError, OverflowError, OSError):
        return FirstSeen(feature=feature, why=f"commit {digest} has no date that makes sense")
    return FirstSeen(feature=feature, commit=digest, at=at)
