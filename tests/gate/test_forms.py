"""Forms for tools, held against published schemas; no form hides what is unknown, and none can be written into."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from app.gate.derivation import derive, in_progress
from app.gate.render import FORMS, exit_code, no_answer, render
from tests.gate.facts import facts, finding, inputs

SCHEMAS = Path(__file__).parent / "schemas"
JUNIT = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text()))
POLICY = """
assay_policy: 1
name: production
stages:
  admit:
    must_pass: [DATA-1, DATA-4, MODEL-5]
    must_not_fail: [MODEL-6, MODEL-7, INFRA-1]
    minimum: {score: 1}
"""
NASTY = (
    "a\x1b[2Jb | c </failure><script>x</script> \x00 ]]> `d` &lt;i&gt;"
    " ~~e~~ @team 100%0A%\r\n::error::f\n##[warning]g"
)
WAIVED_BY = {
    "waiver": 3,
    "requested_by": "Ada",
    "approved_by": "Bo",
    "expires_at": "2026-12-01T00:00:00Z",
    "reason": "It goes.",
}


def decided():
    """One condition of every kind: failed, unknown, waived, let through, holding."""
    body = derive(
        inputs(
            facts(
                finding("DATA-1", "fail", number=1, reason="12 cells fail.", remedy="Mend them."),
                finding("MODEL-5", "fail", number=2, reason="Worse than the baseline.", remedy="Tune it."),
                finding("MODEL-6", "inconclusive", number=3, reason="60 rows; 100 are needed."),
                finding("MODEL-7", number=4),
                automated=frozenset(),
            ),
            POLICY,
        )
    )
    waived = next(c for c in body["conditions"] if c["name"] == "must_pass.MODEL-5")
    return {
        **body,
        "conditions": [c if c is not waived else {**c, "waived_by": WAIVED_BY} for c in body["conditions"]],
    }


def attacked():
    return derive(inputs(facts(finding("DATA-1", "fail", reason=NASTY, remedy=NASTY), finding("MODEL-6"))))


UNDECIDED = {
    "an audit runs": in_progress(inputs(facts(), audit_id=5)),
    "no such stage": derive(inputs(facts(), stage="promote")),
    "no service": no_answer("credit-default", "1.0.0", "production", "admit", "nobody listens"),
}
BODIES = {"decided": decided(), "attacked": attacked(), "dry": derive(inputs(facts(), dry_run=True)), **UNDECIDED}


@pytest.mark.parametrize("name", BODIES)
def test_junit_is_what_jenkins_publishes(name):
    JUNIT.validate(render(BODIES[name], "junit"))


@pytest.mark.parametrize("name", BODIES)
def test_sarif_is_what_oasis_publishes(name):
    SARIF.validate(json.loads(render(BODIES[name], "sarif")))


def test_the_schemas_refuse_what_they_should():
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        JUNIT.validate(render(BODIES["decided"], "junit").replace("<failure", "<fail").replace("/failure", "/fail"))
    assert not SARIF.is_valid(json.loads(render(BODIES["decided"], "sarif").replace('"ruleId"', '"rule"')))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_all_that_matters(form):
    """Of each condition that does not hold the reason and the remedy; score, expiry and link of the decision."""
    text = render(BODIES["decided"], form).replace("\\", "")
    text = re.sub(r"\s+", " ", text)
    for told in ("12 cells fail.", "Mend them.", "DATA-4 has not run for this version.", "attest it.", "Ada"):
        assert told in text
    for told in ("Worse than the baseline.", "60 rows; 100 are needed.", "The score is 0", "MODEL-7"):
        assert told in text
    assert re.search(r"good until 2026-03-02 12:00 UTC|2026-03-02T12:00:00Z", text)
    assert re.search(r"https://assay.example.com/(decisions|api/v1/gate/evaluations)/42", text)
    assert re.search(r"ML Test Score 0\b|\"score\": 0", text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", UNDECIDED)
def test_without_a_decision_no_form_is_empty_or_green(name, form):
    body, text = UNDECIDED[name], render(UNDECIDED[name], form)
    assert exit_code(body) == 2
    assert "PASS" not in text
    assert re.search({"github": "^::error "}.get(form, "(?i)unknown|in.progress"), text)
    if form == "junit":
        suite = ET.fromstring(text)
        assert suite.get("errors") == suite.get("tests") == "1"
    if form == "sarif":
        run = json.loads(text)["runs"][0]
        assert [result["level"] for result in run["results"]] == ["error"]


def test_that_nobody_answered_is_told_with_the_reason():
    for form in FORMS:
        assert "nobody listens" in render(UNDECIDED["no service"], form)


def test_what_does_not_deny_yet_is_told_and_stops_nothing():
    body = BODIES["decided"]
    failed = [c for c in body["conditions"] if c["status"] == "fail"]
    reported = {**body, "conditions": [{**c, "enforced": False} for c in failed]}
    suite = ET.fromstring(render(reported, "junit"))
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", suite.get("tests"))
    levels = {result["level"] for result in json.loads(render(reported, "sarif"))["runs"][0]["results"]}
    assert levels == {"note"}
    assert render(reported, "github").count("\n::notice title=reported") == len(reported["conditions"])
    for form in FORMS:
        assert "12 cells fail." in render(reported, form)


# --- JUnit ----------------------------------------------------------------------------------------


def test_junit_tells_failed_unknown_and_waived_apart():
    suite = ET.fromstring(render(BODIES["decided"], "junit"))
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "7", "failures": "2", "errors": "2", "skipped": "1"}
    waived = suite.find("testcase/skipped")
    assert waived.get("message").startswith("MODEL-5 failed")
    assert (
        "By waiver 3 until 2026-12-01 this does not deny (asked for by Ada, approved by Bo): It goes."
        in waived.text
    )


# --- SARIF ----------------------------------------------------------------------------------------


def test_sarif_has_a_rule_a_condition_and_a_result_for_each_that_did_not_pass():
    run = json.loads(render(BODIES["decided"], "sarif"))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(rules) == sorted(c["name"] for c in BODIES["decided"]["conditions"])
    results = {result["ruleId"]: result for result in run["results"]}
    assert {name: result["level"] for name, result in results.items()} == {
        "must_pass.DATA-1": "error",
        "must_pass.DATA-4": "error",
        "must_not_fail.INFRA-1": "error",
        "minimum.score": "error",
        "must_pass.MODEL-5": "warning",
        "must_not_fail.MODEL-6": "note",
    }
    assert all(rules[result["ruleIndex"]] == name for name, result in results.items())
    assert [name for name, result in results.items() if "suppressions" in result] == ["must_pass.MODEL-5"]
    pages = {rule["id"]: rule.get("helpUri") for rule in run["tool"]["driver"]["rules"]}
    assert pages["must_pass.DATA-1"] == "https://assay.example.com/checks/DATA-1"


def test_code_scanning_can_place_and_close_every_result():
    """GitHub refuses a result without a file of the repository, and closes one by its fingerprint."""
    first, second = (json.loads(render(body, "sarif"))["runs"][0] for body in (BODIES["decided"], other_version()))
    for result in first["results"]:
        assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "assay.yaml"}
    prints = [{r["partialFingerprints"]["assayCondition/v1"] for r in run["results"]} for run in (first, second)]
    assert prints[0] == prints[1]
    assert len(prints[0]) == len(first["results"])


def other_version():
    return {**BODIES["decided"], "version": "2.0.0", "id": 43}


# --- Markdown -------------------------------------------------------------------------------------


def test_a_comment_is_found_again_by_its_marker():
    first, second = (render(body, "markdown").split("\n")[0] for body in (BODIES["decided"], other_version()))
    assert first == second == "<!-- assay-gate credit-default production/admit -->"
    odd = render({**BODIES["decided"], "model": "a--><b>"}, "markdown").split("\n")[0]
    assert odd == "<!-- assay-gate a-b- production/admit -->"


def test_markdown_shows_what_it_is_given_and_reads_none_of_it():
    lines = render(BODIES["attacked"], "markdown").split("\n")
    (row,) = (line for line in lines if line.startswith("| FAIL"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert not re.search(r"(?<!\\)[<>`~]|&(?!amp;)|(?<!\w)@(?!\u200b)", row)
    assert [line for line in lines if line.startswith("|")] == lines[5 : 5 + 4]


# --- GitHub ---------------------------------------------------------------------------------------


def test_annotations_are_workflow_commands():
    lines = render(BODIES["decided"], "github").split("\n")
    kinds = [line.split(" ")[0] for line in lines]
    assert kinds == ["::error"] * 5 + ["::warning", "::notice", "holds:"]
    assert lines[0].startswith("::error title=FAIL%3A credit-default@1.0.0 for production/admit::7 conditions: ")
    assert "%0AML Test Score 0 (" in lines[0]
    assert "::DATA-1 failed (audit 7): 12 cells fail.%0ATo do: Mend them." in "\n".join(lines)


def test_an_annotation_is_read_as_it_was_written():
    """By the runner's own rules of unescaping."""
    (line,) = (line for line in render(BODIES["attacked"], "github").split("\n") if "DATA-1 must" in line)
    _, command, text = line.split("::", 2)
    assert command == "error title=fail%3A DATA-1 must pass%3A Feature expectations are captured in a schema"
    unescaped = text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert NASTY in unescaped


@pytest.mark.parametrize("form", FORMS)
def test_no_text_from_outside_becomes_a_command_of_the_runner(form):
    """The runner trims each line of the log, and obeys ``::`` at its start and ``##[`` wherever it is."""
    long = " ".join(["word ::error::injected ##[error]too"] * 40)
    body = derive(
        inputs(facts(finding("DATA-1", "fail", reason=long + "\n::error::f"), finding("MODEL-6", reason=long)))
    )
    lines = [line.strip() for line in render(body, form).splitlines()]
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == (2 if form == "github" else 0)
    assert not [line for line in lines if not line.startswith("::") and "##[" in line]


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_json_gives_back_every_character(form):
    read = json.loads(render(BODIES["attacked"], form))
    texts = (
        [c["reason"] for c in read["conditions"]]
        if form == "json"
        else [read["runs"][0]["results"][0]["message"]["text"]]
    )
    assert any(NASTY in text for text in texts)


def test_a_terminal_is_told_nothing_but_text():
    shown = render(BODIES["attacked"], "table")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
