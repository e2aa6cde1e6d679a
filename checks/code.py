"""The evidence a check may ask for about the code that a version was made from. No I/O happens here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from checks.evidence import HandedIn


@dataclass(frozen=True)
class CoveredFile:
    """A source file in a coverage report: its executable ``lines``, and how many of them ran (``hit``).

    ``places``: the paths that it may have, "/" between their parts, one for each folder that the report says was
    measured. Of such a path the last ``fixed`` parts are as reported; the report's root may lie before any of the
    parts in front of these.
    """

    places: tuple[str, ...]
    lines: int
    hit: int
    fixed: int = 1


@dataclass(frozen=True)
class CodeCoverage(HandedIn):
    """Which lines the tests of the version's commit ran."""

    files: tuple[CoveredFile, ...] = ()


@dataclass(frozen=True)
class Commit(HandedIn):
    """The version's commit. ``reachable`` from ``branch``, which is protected; ``clean``: the files that were
    checked out are the commit's, else ``changes`` names some of the ``changed`` ones. Where git could not tell they
    are None, and ``reachable_why`` or ``clean_why`` says why.
    """

    commit: str = ""
    branch: str = "main"
    reachable: bool | None = None
    reachable_why: str = ""
    clean: bool | None = None
    clean_why: str = ""
    changes: tuple[str, ...] = ()
    changed: int = 0


@dataclass(frozen=True)
class Review:
    """A verdict on a change: approved, changes_requested or dismissed. ``commit``: what was looked at, if known."""

    reviewer: str
    state: str
    at: datetime | None = None
    commit: str | None = None
    bot: bool = False


@dataclass(frozen=True)
class Change:
    """What the commit came with. ``authors`` wrote, committed or proposed it, under the names that ``reviews`` use;
    ``unlinked`` did so too, under other names. ``head``: its last commit, there since ``head_at`` if that is known.
    """

    name: str
    head: str
    merged: bool
    authors: tuple[str, ...]
    unlinked: tuple[str, ...] = ()
    head_at: datetime | None = None
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True)
class Reviews(HandedIn):
    """Of the changes that the version's commit came with; ``source`` says who tells. ``incomplete``: what is not
    known of them, or "". Missing without a forge's record or a trailer in the commit's message.
    """

    source: str = ""
    changes: tuple[Change, ...] = ()
    incomplete: str = ""


@dataclass(frozen=True)
class AddedFeature:
    """A feature that the first version to serve did not have.

    ``started_at``: its first commit or its proposal, whichever was earlier; ``started_by`` says which, or why
    neither is known. ``served_at``: when ``version``, the first with it, began to serve; None while none does.
    """

    name: str
    started_at: datetime | None
    started_by: str
    served_at: datetime | None = None
    version: str | None = None


@dataclass(frozen=True)
class AddedFeatures(HandedIn):
    """Of the version's signature, in one environment. To serve is to have stable traffic there."""

    environment: str = ""
    first_version: str = ""
    added: tuple[AddedFeature, ...] = ()
