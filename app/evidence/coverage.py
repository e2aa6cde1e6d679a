"""Coverage in Cobertura's XML, as coverage.py and pytest-cov write it: files, and which of their lines ran.

The rates that a report sums up are not read: lines are counted. A line that a report names twice, as in several
classes of one file, counts once, and has run when it did in any of them.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from app.evidence.xmlfile import refused, root_of
from checks.code import CoveredFile

WHAT, FIELD = "a coverage report in Cobertura's XML", "coverage"
DRIVE = ":"


def parse(content: bytes) -> tuple[CoveredFile, ...]:
    """Every file of the report, in its order.

    Raises:
        Invalid: not XML, no such report, or a report with a document type or entities; names what is wrong.
    """
    root = root_of(content, WHAT, FIELD, ("coverage",))
    sources = [_parts(element.text or "") for element in root.iterfind("sources/source")]
    lines: dict[str, dict[int, bool]] = {}
    for element in root.iter("class"):
        name = element.get("filename", "").replace("\\", "/")
        if not _parts(name):
            raise refused(WHAT, FIELD, "a class has no filename")
        counted = lines.setdefault(name, {})
        for number, ran in map(_line, element.iterfind("lines/line")):
            counted[number] = counted.get(number, False) or ran
    return tuple(_file(name, found, sources) for name, found in lines.items())


def _line(element: Element) -> tuple[int, bool]:
    number, hits = element.get("number", ""), element.get("hits", "")
    if not (number.isdecimal() and hits.isdecimal() and len(number) < 10):
        raise refused(WHAT, FIELD, f"a line has the number {number[:20]!r} and the hits {hits[:20]!r}")
    return int(number), bool(hits.strip("0"))


def _file(name: str, lines: dict[int, bool], sources: list[list[str]]) -> CoveredFile:
    parts = _parts(name)
    absolute = name.startswith("/") or parts[0].endswith(DRIVE)
    places = [parts] if absolute or not sources else [source + parts for source in sources]
    joined = tuple(dict.fromkeys("/".join(place) for place in places))
    fixed = 1 if absolute else len(parts)
    return CoveredFile(joined, len(lines), sum(lines.values()), fixed)


def _parts(path: str) -> list[str]:
    return [part for part in path.strip().replace("\\", "/").split("/") if part not in {"", "."}]
