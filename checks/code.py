"""The evidence a check may ask for about the code that a version was made from. No I/O happens here."""

from __future__ import annotations

from dataclasses import dataclass

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
