"""Documentation that can be wrong is compared with the code."""

from __future__ import annotations

import re
import subprocess

import pytest

from app.catalog.manifest import Manifest, parse
from app.config import ROOT
from checks.rubric import TESTS
from docs.check_pages import pages
from docs.generate import TARGETS, fresh

PAGES = sorted(p for p in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


@pytest.mark.parametrize("path", TARGETS)
def test_generated_parts_are_fresh(path):
    assert (ROOT / path).read_text() == fresh(path), "run make docs"


@pytest.mark.parametrize("path", pages())
def test_pages_of_checks_are_fresh(path):
    assert (ROOT / path).read_text() == pages()[path], "run make docs"


def test_the_complete_manifest_of_the_docs_is_valid():
    text = (ROOT / "docs/manifest.md").read_text()
    example = re.search(r"```yaml\n(assay: 1\n.*?)```", text, re.DOTALL)
    assert example
    assert parse(example[1]).model.name == "credit-default"


def test_every_key_of_the_manifest_is_explained():
    text = (ROOT / "docs/manifest.md").read_text()
    assert not [key for key in Manifest.model_fields if f"`{key}`" not in text and f"{key}:" not in text]


def test_the_windows_of_the_docs_are_the_rubrics():
    text = (ROOT / "docs/scoring.md").read_text().split("## The windows")[1].replace("\n", " ")
    told = {}
    for ids, days in re.findall(r"((?:[A-Z]+-\d(?:, )?)+): (\d+)\.", text):
        told |= dict.fromkeys(ids.split(", "), int(days))
    assert told == {test.id: test.window_days for test in TESTS if test.window_days}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [target for target in targets if not target.startswith(("http://", "https://"))]
    assert not [target for target in local if not (page.parent / target).exists()]


def test_the_tests_that_the_security_page_names_are_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/security.md").read_text())
    assert len(named) > 25
    assert not [(path, name) for path, name in named if f"\ndef {name}(" not in (ROOT / path).read_text()]


def test_every_threat_of_the_security_page_names_a_test():
    threats = (ROOT / "docs/security.md").read_text().partition("\n## ")[0]
    rows = [line for line in threats.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 20
    assert not [row for row in rows if "::test_" not in row]


def test_no_file_names_an_address_of_a_package_index():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org")
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert not [host for host in hosts if host.encode() in content], name
