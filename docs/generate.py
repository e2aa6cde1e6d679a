"""Writes anew what documentation tells of the code, from the code (``make docs``). Stale text fails a test."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

import checks
from app.config import ROOT, Settings
from checks.contract import Section
from checks.rubric import TESTS

BEGIN, END = "<!-- generated: {} -->", "<!-- /generated -->"

LICENCE_OF = {
    "jinja2": "BSD-3-Clause",
    "pandas": "BSD-3-Clause",
    "pysqlite3": "Zlib",
    "scipy": "BSD-3-Clause",
    "skops": "MIT",
}
"""Where the package's own metadata names none, or quotes the text: read from its licence file."""

SPELLED = {
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License v2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License": "ISC",
    "PSFL": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def rubric_table() -> str:
    """The 28 tests, and which of them a check automates."""
    automated = checks.discover()
    lines = ["| test | asks | how |", "| --- | --- | --- |"]
    for section in Section:
        for test in (t for t in TESTS if t.section is section):
            how = f"[check](checks/{section}/{test.slug}.py)" if test.id in automated else "attest"
            lines.append(f"| {test.id} | {test.title} | {how} |")
    return "\n".join(lines)


def settings_table() -> str:
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in ("", None) else f"`{default}`"
        lines.append(f"| `ASSAY_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)


def licence_table() -> str:
    lines = ["| package | licence |", "| --- | --- |"]
    lines += [f"| {name} | {licence(name)} |" for name in locked_packages()]
    return "\n".join(lines)


def locked_packages() -> Iterator[str]:
    """What the service's lock installs on this platform."""
    text = (ROOT / "requirements" / "service.txt").read_text()
    locked = [Requirement(line) for line in re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*)", text, re.MULTILINE)]
    return iter(dict.fromkeys(r.name for r in locked if r.marker is None or r.marker.evaluate()))


def licence(package: str) -> str:
    if package in LICENCE_OF:
        return LICENCE_OF[package]
    metadata = importlib.metadata.metadata(package)
    named = metadata.get("License-Expression") or metadata.get("License")
    if not named:
        classifiers = metadata.get_all("Classifier") or []
        named = next(c.rsplit(" :: ", 1)[-1] for c in classifiers if c.startswith("License :: "))
    return SPELLED.get(named, named)


TARGETS = {
    "README.md": {"rubric": rubric_table},
    "docs/configuration.md": {"settings": settings_table},
    "docs/licences.md": {"licences": licence_table},
}


def fresh(path: str) -> str:
    """The file's text with its generated parts written anew."""
    text = (ROOT / path).read_text()
    for name, make in TARGETS[path].items():
        begin = BEGIN.format(name)
        pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
        text, count = pattern.subn(lambda _, b=begin, m=make: f"{b}\n{m()}\n{END}", text)
        if count != 1:
            raise ValueError(f"{path}: one part {begin} is expected, there are {count}")
    return text


def main() -> None:
    for path in TARGETS:
        Path(ROOT / path).write_text(fresh(path))
        print(path)


if __name__ == "__main__":
    main()
