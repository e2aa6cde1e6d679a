"""Writes anew what documentation tells of the code, from the code (``make docs``). Stale text fails a test."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from importlib.metadata import PackageMetadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import SecretStr

import checks
from app.config import ROOT, Settings
from app.ledger.rows import ALL
from benchmarks.faults.results import Results
from benchmarks.faults.table import tables
from checks.contract import Section
from checks.rubric import TESTS
from docs.check_pages import pages

BEGIN, END = "<!-- generated: {} -->", "<!-- /generated -->"

LICENCE_OF = {
    "jinja2": "BSD-3-Clause",
    "pandas": "BSD-3-Clause",
    "pysqlite3": "Zlib",
    "scipy": "BSD-3-Clause",
    "skops": "MIT",
}
"""Where the package's own metadata names none, or quotes the text: read from its licence file."""

LONGEST_NAME = 60
"""Of a licence; longer ones are its text."""

SPELLED = {
    "BSD License": "BSD",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "Python Software Foundation License": "PSF-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License v2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
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
            lines.append(f"| [{test.id}](docs/checks/{test.id}.md) | {test.title} | {how} |")
    return "\n".join(lines)


def settings_table() -> str:
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in ("", SecretStr(""), None) else f"`{default}`"
        lines.append(f"| `ASSAY_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)


def licence_table() -> str:
    lines = ["| package | licence |", "| --- | --- |"]
    lines += [f"| {name} | {licence(name, importlib.metadata.metadata(name))} |" for name in locked_packages()]
    return "\n".join(lines)


def engine_licence_table() -> str | None:
    """The same of deepchecks' environment; None where that is not installed."""
    folders = [str(one) for one in (ROOT / ".engines" / "deepchecks").glob("lib/python3*/site-packages")]
    if not folders:
        return None
    there = {canonicalize_name(one.metadata["Name"]): one for one in importlib.metadata.distributions(path=folders)}
    lines = ["| package | licence |", "| --- | --- |"]
    lines += [f"| {name} | {licence(name, there[name].metadata)} |" for name in locked_packages("deepchecks")]
    return "\n".join(lines)


def locked_packages(lock: str = "service") -> Iterator[str]:
    """What the lock installs on this platform."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    locked = [Requirement(line) for line in re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*)", text, re.MULTILINE)]
    return iter(dict.fromkeys(r.name for r in locked if r.marker is None or r.marker.evaluate()))


def licence(package: str, metadata: PackageMetadata) -> str:
    if package in LICENCE_OF:
        return LICENCE_OF[package]
    named = metadata.get("License-Expression") or metadata.get("License")
    if not named or named == "UNKNOWN" or len(named) > LONGEST_NAME:
        classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License :: ")]
        named = classifiers[0].rsplit(" :: ", 1)[-1] if classifiers else (named or "not named").splitlines()[0]
    return SPELLED.get(named, named)


def faults_tables() -> str:
    return tables(Results())


def ledger_table() -> str:
    lines = ["| row | group | what is practised | what shows it |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {row.number} | {row.group} | {row.title} | {row.by} |" for row in ALL)])


TARGETS = {
    "docs/faults.md": {"faults": faults_tables},
    "docs/ledger.md": {"ledger": ledger_table},
    "README.md": {"rubric": rubric_table},
    "docs/configuration.md": {"settings": settings_table},
    "docs/licences.md": {"licences": licence_table, "engine": engine_licence_table},
}


def fresh(path: str) -> str:
    """The file's text with its generated parts written anew, but those that cannot be made here."""
    text = (ROOT / path).read_text()
    for name, make in TARGETS[path].items():
        if (made := make()) is None:
            continue
        begin = BEGIN.format(name)
        pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
        text, count = pattern.subn(lambda _, b=begin, m=made: f"{b}\n{m}\n{END}", text)
        if count != 1:
            raise ValueError(f"{path}: one part {begin} is expected, there are {count}")
    return text


def main() -> None:
    for path, text in ({path: fresh(path) for path in TARGETS} | pages()).items():
        Path(ROOT / path).write_text(text)
        print(path)


if __name__ == "__main__":
    main()
