"""Lock files: uv.lock, poetry.lock, and pip's requirements with pinned versions.

What matters is what would be installed. Comments, the order of lines and the file's own version change nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import FieldError, Invalid

LOCAL = ("virtual", "editable", "directory", "path")
"""Sources of uv: the project itself, or files beside it, which have no hashes."""
PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:===?\s*(?P<version>[^\s;,]+)|@\s*(?P<url>\S+))"
)
HASH = re.compile(r"--hash[= ]\s*\w+:[0-9a-fA-F]+")
COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class Package:
    """``version`` is "" where a package comes from a place rather than by a version. ``local``: from beside it."""

    name: str
    version: str
    hashed: bool
    local: bool = False


@dataclass(frozen=True)
class Lock:
    """``form``: uv, poetry or pip. ``fingerprint`` changes when, and only when, what would be installed does."""

    form: str
    packages: tuple[Package, ...]
    fingerprint: str

    @property
    def unhashed(self) -> list[str]:
        """Names of packages from elsewhere whose content the file does not fix."""
        return [one.name for one in self.packages if not (one.hashed or one.local)]


def parse(content: bytes) -> Lock:
    """Raises Invalid, naming line or reason, when it is no lock file of these forms."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"it is not UTF-8 at byte {error.start}") from None
    return _toml(text) if "[[package]]" in text else _requirements(text)


def fingerprint(content: bytes) -> str:
    """Of what would be installed; of the bytes, where the file is of no known form."""
    try:
        return parse(content).fingerprint
    except Invalid:
        return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _toml(text: str) -> Lock:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(str(error)) from None
    entries, metadata = document.get("package"), document.get("metadata", {})
    if not isinstance(entries, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in entries
    ):
        raise _refused("a package has no name")
    poetry = isinstance(metadata, dict) and "lock-version" in metadata
    if not poetry and not isinstance(document.get("version"), int):
        raise _refused("it has neither uv's version nor poetry's lock-version")
    if poetry:
        files = metadata.get("files", {})  # where poetry kept the hashes before 1.3
        entries = [{"files": files.get(one["name"], []), **one} for one in entries]
    packages = tuple(_package(one) for one in entries)
    return Lock("poetry" if poetry else "uv", packages, _fingerprint(entries))


def _package(entry: Mapping[str, Any]) -> Package:
    source = entry.get("source")
    local = isinstance(source, dict) and (not set(source).isdisjoint(LOCAL) or source.get("type") in LOCAL)
    files = [*entry.get("wheels", []), *entry.get("files", []), entry.get("sdist")]
    hashed = any(isinstance(one, dict) and one.get("hash") for one in files)
    return Package(_normal(entry["name"]), str(entry.get("version", "")), hashed, local)


def _requirements(text: str) -> Lock:
    lines = list(_logical(text))
    packages = tuple(found for number, line in lines if (found := _pinned(number, line)))
    if not packages:
        raise _refused("it has no package")
    return Lock("pip", packages, _fingerprint([" ".join(sorted(line.split())) for _, line in lines]))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) without comments; a backslash at the end joins a line to the next."""
    start, kept = 1, ""
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        start = start if kept else number
        line = COMMENT.sub("", raw).strip()
        if line.endswith("\\"):
            kept += line[:-1] + " "
            continue
        if whole := (kept + line).strip():
            yield start, whole
        kept = ""


def _pinned(number: int, line: str) -> Package | None:
    if line.startswith(("-r", "-c", "--requirement", "--constraint")):
        raise _refused("it refers to another file; hand in the compiled one", number)
    if line.startswith(("-e", "--editable")):
        return Package(line.split(maxsplit=1)[-1], "", hashed=False, local=True)
    if line.startswith("-"):
        return None
    found = PINNED.match(line)
    if found is None or "*" in (found["version"] or ""):
        raise _refused(f"{line[:60]!r} is not pinned to a version", number)
    return Package(_normal(found["name"]), found["version"] or "", bool(HASH.search(line)))


def _normal(name: str) -> str:
    """As PEP 503 writes names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _fingerprint(entries: list[Any]) -> str:
    told = sorted(json.dumps(one, sort_keys=True, default=str) for one in entries)
    return f"sha256:{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"


def _refused(message: str, line: int | None = None) -> Invalid:
    where = f" in line {line}" if line else ""
    return Invalid(
        f"This is not a lock file of uv, poetry or pip{where}: {message}.", [FieldError("", message, line)]
    )
