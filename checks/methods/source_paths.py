"""Which files of a coverage report lie under paths of a repository whose root the report does not name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.code import CoveredFile

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Located:
    """``under``: the files by declared path. ``counted``: those under any, each once. ``doubtful``: those that lie
    under one or not, depending on which of the measured folders they are in.
    """

    under: Mapping[str, Sequence[CoveredFile]]
    counted: Sequence[CoveredFile]
    doubtful: Sequence[CoveredFile]


def located(files: Sequence[CoveredFile], paths: Sequence[str]) -> Located:
    """Where several folders could be the repository's root, it is the one under which most paths have files, and
    of those the outermost.
    """
    wanted = {path: parts_of(path) for path in paths}
    root = _root(files, wanted)
    under: dict[str, list[CoveredFile]] = {path: [] for path in wanted}
    counted, doubtful = [], []
    for one in files:
        lying = [_matches(place, root, wanted) for place in map(parts_of, one.places)]
        if all(lying):
            counted.append(one)
        elif any(lying):
            doubtful.append(one)
        for path in set().union(*lying) if all(lying) else ():
            under[path].append(one)
    return Located(under, counted, doubtful)


def parts_of(path: str) -> Parts:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})


def _matches(place: Parts, root: Parts, wanted: Mapping[str, Parts]) -> set[str]:
    return {path for path, parts in wanted.items() if place[: len(root) + len(parts)] == root + parts}


def _root(files: Sequence[CoveredFile], wanted: Mapping[str, Parts]) -> Parts:
    found: dict[Parts, set[str]] = defaultdict(set)
    for one in files:
        for place in map(parts_of, one.places):
            for path, parts in wanted.items():
                for root in _roots(place, parts, len(place) - one.fixed):
                    found[root].add(path)
    return max(found, key=lambda root: (len(found[root]), -len(root), root), default=())


def _roots(place: Parts, parts: Parts, longest: int) -> Iterator[Parts]:
    """What may come in front of ``parts`` in this place, ``longest`` parts at most."""
    for start in range(longest + 1):
        if place[start : start + len(parts)] == parts:
            yield place[:start]
