"""Coverage reports: those that pytest-cov really writes, and those that nobody should."""

from __future__ import annotations

import pytest

from app.errors import Invalid
from app.evidence.coverage import parse
from checks.methods.source_paths import located
from tests.evidence.measured_project import lay_out, run_pytest


def report(*classes, sources=()):
    told = "".join(f"<source>{one}</source>" for one in sources)
    made = "".join(
        f'<class filename="{name}"><lines>{"".join(f"<line {line}/>" for line in lines)}</lines></class>'
        for name, *lines in classes
    )
    packages = f"<packages><package><classes>{made}</classes></package></packages>"
    return f"<coverage><sources>{told}</sources>{packages}</coverage>".encode()


def lines(*hits):
    return [f'number="{number}" hits="{count}"' for number, count in enumerate(hits, 1)]


def sums(content, *paths):
    """By declared path: (file names, lines, hit)."""
    found = located(parse(content), paths)
    return {
        path: (
            sorted(one.places[0].rsplit("/", 1)[-1] for one in files),
            sum(one.lines for one in files),
            sum(one.hit for one in files),
        )
        for path, files in found.under.items()
    }


FEATURES = (["__init__.py", "__init__.py", "income.py", "north.py"], 7, 6)
INCOME = (["income.py"], 4, 3)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("project"))


class TestWhatPytestCovWrites:
    @pytest.mark.parametrize("options", [["--cov=."], ["--cov=.", "--cov-branch"], ["--cov=features"]])
    def test_lines_of_declared_paths(self, project, options):
        content, _ = run_pytest(project, *options)
        assert sums(content, "features", "features/income.py") == {
            "features": FEATURES,
            "features/income.py": INCOME,
        }

    def test_a_path_is_not_found_inside_another_folder(self, project):
        content, _ = run_pytest(project, "--cov=.")
        assert sums(content, "vendor/features") == {"vendor/features": (["__init__.py", "copied.py"], 2, 0)}
        assert "copied.py" not in sums(content, "features")["features"][0]
        assert sums(content, "lib", "income.py", "north") == {
            "lib": (["__init__.py", "helpers.py"], 5, 0),
            "income.py": ([], 0, 0),
            "north": ([], 0, 0),
        }

    def test_several_measured_folders_leave_it_open_where_a_file_lies(self, project):
        content, _ = run_pytest(project, "--cov=features", "--cov=lib")
        found = located(parse(content), ["features"])
        assert {one.places[0].rsplit("/", 1)[-1] for one in found.doubtful} >= {"income.py", "helpers.py"}
        assert found.counted == []
        both = located(parse(content), ["features", "lib"])
        assert not both.doubtful
        assert sum(one.lines for one in both.counted) == 7 + 5

    def test_relative_files_have_no_source_worth_the_name(self, project):
        (project / ".coveragerc").write_text("[run]\nrelative_files = True\n")
        content, _ = run_pytest(project, "--cov=.")
        (project / ".coveragerc").unlink()
        assert sums(content, "features") == {"features": FEATURES}


class TestPaths:
    @pytest.mark.parametrize(
        ("name", "sources"),
        [
            ("features/a.py", ["/repo"]),
            ("a.py", ["/repo/features"]),
            ("a.py", ["/repo/features/"]),
            ("/repo/features/a.py", []),
            ("/repo/features/a.py", ["/elsewhere"]),
            ("features\\a.py", ["C:\\repo"]),
            ("a.py", ["C:\\repo\\features"]),
            ("C:\\repo\\features\\a.py", ["C:\\other"]),
            ("./features/a.py", [""]),
            ("features/a.py", []),
        ],
    )
    def test_however_it_is_written(self, name, sources):
        content = report((name, *lines(1, 0)), sources=sources)
        for declared in ("features", "./features/", "features\\a.py"):
            assert sums(content, declared) == {declared: (["a.py"], 2, 1)}
        assert sums(content, "feature", "a.py/features") == {"feature": ([], 0, 0), "a.py/features": ([], 0, 0)}

    def test_the_root_is_where_most_paths_are_found(self):
        content = report(
            ("/ci/features/job/features/a.py", *lines(1)),
            ("/ci/features/job/lib/b.py", *lines(1)),
            ("/ci/features/c.py", *lines(0)),
        )
        assert sums(content, "features", "lib") == {"features": (["a.py"], 1, 1), "lib": (["b.py"], 1, 1)}
        assert sums(content, "features")["features"][1] == 3  # nothing tells the outer folder from the repository's

    def test_the_whole_repository(self):
        content = report(("features/a.py", *lines(1)), ("b.py", *lines(0, 0)), sources=["/repo"])
        assert sums(content, ".") == {".": (["a.py", "b.py"], 3, 1)}


def test_a_line_of_several_classes_counts_once():
    content = report(("a.py", *lines(1, 0, 0)), ("a.py", *lines(0, 2)))
    assert [(one.lines, one.hit) for one in parse(content)] == [(3, 2)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<testsuite/>", "root element is <testsuite>"),
        (b"<coverage>", "no element found"),
        (b"", "no element found"),
        (b'<!DOCTYPE c [<!ENTITY a "b">]><coverage>&a;</coverage>', "document types"),
        (b'<coverage><class name="a"/></coverage>', "no filename"),
        (b'<coverage><class filename="."/></coverage>', "no filename"),
        (report(("a.py", 'number="one" hits="1"')), "'one'"),
        (report(("a.py", 'number="1"')), "''"),
        (report(("a.py", 'number="1" hits="-1"')), "'-1'"),
        (report(("a.py", f'number="{"9" * 5000}" hits="1"')), "99999"),
        (b"\xff\xfe<coverage/>", "not a coverage report"),
    ],
)
def test_what_is_no_such_report_is_refused_by_name(content, words):
    with pytest.raises(Invalid, match="coverage report") as refusal:
        parse(content)
    assert words in refusal.value.detail
    assert len(refusal.value.detail) < 300


def test_an_empty_report_is_one():
    assert parse(b'<?xml version="1.0"?><coverage/>') == ()


def test_a_huge_count_of_hits_is_a_hit():
    assert parse(report(("a.py", f'number="1" hits="{"9" * 5000}"')))[0].hit == 1
