"""The JUnit parser against what the real pytest writes, and against what nobody should hand in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.errors import Invalid
from app.evidence import junit

SUITE = """
import pytest

class TestModel:
    def test_loss(self, record_property):
        record_property("assay", "loss_decreases")
        record_property("assay", "overfits_tiny")
        record_property("other", "random_input")

    def test_save(self):
        assert 1 == 2, "saved and loaded differ"

@pytest.fixture
def broken():
    raise RuntimeError("no data")

def test_broken(broken): ...

@pytest.mark.skip(reason="no GPU here")
def test_gpu(): ...

@pytest.mark.parametrize("n", [1, 2])
def test_random(n, record_property):
    record_property("assay", "random_input")

@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""


@pytest.fixture(scope="module", params=["xunit1", "xunit2"])
def cases(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_model.py").write_text(SUITE)
    options = ["-p", "no:cacheprovider", "-o", f"junit_family={request.param}", "--junitxml=junit.xml"]
    command = [sys.executable, "-m", "pytest", *options, "."]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True)
    assert done.returncode == 1, done.stdout
    parsed = junit.parse((folder / "junit.xml").read_bytes())
    return {case.name.split("::")[-1]: case for case in parsed}


def test_every_case_is_read(cases):
    outcomes = {name: case.outcome for name, case in cases.items()}
    assert outcomes == {
        "test_loss": "passed",
        "test_save": "failed",
        "test_broken": "error",
        "test_gpu": "skipped",
        "test_random[1]": "passed",
        "test_random[2]": "passed",
        "test_known": "skipped",
    }


def test_names_carry_their_class(cases):
    assert cases["test_loss"].name == "test_model.TestModel::test_loss"


def test_tags_are_the_assay_properties_only(cases):
    assert cases["test_loss"].tags == ("loss_decreases", "overfits_tiny")
    assert cases["test_random[1]"].tags == ("random_input",)
    assert cases["test_save"].tags == ()


def test_messages_say_what_happened(cases):
    assert "saved and loaded differ" in cases["test_save"].message
    assert "no data" in cases["test_broken"].message
    assert cases["test_gpu"].message == "no GPU here"
    assert not cases["test_loss"].message


@pytest.mark.parametrize(
    "form", ["<testsuites>{}</testsuites>", "{}", "<testsuites><testsuite>{}</testsuite></testsuites>"]
)
def test_both_roots_and_nested_suites_are_read(form):
    text = form.format('<testsuite name="s"><testcase name="a"/><testcase classname="C" name="b"/></testsuite>')
    assert [case.name for case in junit.parse(text.encode())] == ["a", "C::b"]


def test_an_error_outweighs_a_failure():
    (case,) = junit.parse(b"<testsuite><testcase name='a'><failure/><error>boom</error></testcase></testsuite>")
    assert (case.outcome, case.message) == ("error", "boom")


def test_other_encodings_are_read():
    text = '<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="größe"/></testsuite>'
    assert junit.parse(text.encode("utf-16"))[0].name == "größe"


def test_an_empty_report_has_no_cases():
    assert junit.parse(b"<testsuites/>") == ()


BOMB = b"""<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""
EXTERNAL = b"""<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="a">&x;</testcase></testsuite>"""


@pytest.mark.parametrize("content", [BOMB, EXTERNAL, b"<!DOCTYPE html><testsuite/>"])
def test_document_types_and_entities_are_refused(content):
    with pytest.raises(Invalid, match="document types and entities"):
        junit.parse(content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no element found"),
        (b"all tests passed", "syntax error"),
        (b"<testsuite><testcase>", "no element found"),
        (b"<html/>", "root element is <html>"),
        (b"<testsuite><testcase name='\xff'/></testsuite>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "encoding"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(content, told):
    with pytest.raises(Invalid, match=told):
        junit.parse(content)


def test_the_line_is_named():
    with pytest.raises(Invalid) as caught:
        junit.parse(b"<testsuite>\n<testcase>\n</testsuite>")
    assert caught.value.errors[0].line == 3
