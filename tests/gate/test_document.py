"""Policies as people write them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import organisation
from app.config import ROOT
from app.errors import Invalid
from app.gate import contradictions, document, written
from app.gate.policies import DEFAULTS
from checks.contract import Section
from checks.rubric import BY_ID

HEAD = "assay_policy: 1\nname: production\n"
ADMIT = "stages:\n  admit: {must_pass: [DATA-1]}\n"


def default(name):
    return document.parse((DEFAULTS / f"{name}.yaml").read_text(), f"{name}.yaml")


def asked(form, stage, tier="medium"):
    demand = form.conditions(stage, tier).demand
    minima = {section.value: points for section, points in demand.sections.items() if points}
    return set(demand.must_pass), set(demand.must_not_fail), minima, demand.score


def refusal(text):
    with pytest.raises(Invalid) as caught:
        document.parse(text, "production.yaml")
    return caught.value


# --- the defaults say what the rubric says ----------------------------------------------------------


@pytest.mark.parametrize("stage", ["admit", "promote"])
def test_staging_asks_for_no_harm(stage):
    assert asked(default("staging"), stage, "high") == (set(), {"DATA-1", "INFRA-4"}, {}, 0)


ADMIT_PASS = {"DATA-1", "DATA-4", "MODEL-5", "INFRA-4"}
ADMIT_NO_FAIL = {"MODEL-6", "MODEL-7", "MON-5"}


@pytest.mark.parametrize("tier", ["low", "medium", "high"])
def test_production_admit_asks_for_evidence_of_the_version(tier):
    expected = (ADMIT_PASS, ADMIT_NO_FAIL, {"data": 2, "model": 2}, 0)
    assert asked(default("production"), "admit", tier) == expected


@pytest.mark.parametrize(("tier", "score"), [("low", 1), ("medium", 1), ("high", 3)])
def test_production_promote_adds_canary_and_system_tests(tier, score):
    must_pass, must_not_fail, minima, minimum = asked(default("production"), "promote", tier)
    assert must_pass == ADMIT_PASS | {"INFRA-6"}
    assert must_not_fail == ADMIT_NO_FAIL | {"MON-2", "MON-3", "MON-7"}
    assert minima == {"data": 2, "model": 2}
    assert minimum == score


def test_decisions_live_for_a_day_unless_the_policy_says_otherwise():
    assert default("production").decision_lifetime_hours == 24
    assert document.parse(HEAD + ADMIT).decision_lifetime_hours == 24
    assert document.parse(HEAD + "decision_lifetime_hours: 1.5\n" + ADMIT).decision_lifetime_hours == 1.5


def test_the_shipped_organisation_policy_bans_direct_identifiers():
    banned = organisation.parse((DEFAULTS / "organisation.yaml").read_text()).banned_features
    assert {"name", "*email*", "phone", "ssn", "*passport*", "*iban*"} <= set(banned)


# --- resolving --------------------------------------------------------------------------------------

EXTENDING = """
stages:
  admit:
    must_pass: [DATA-1]
    must_not_fail: [MODEL-6]
    minimum: {score: 1}
    risk_tiers:
      high: {must_pass: [MODEL-6], minimum: {sections: {infra: 2}}}
  promote:
    extends: admit
    must_not_fail: [MON-2]
"""


def test_a_stage_adds_to_the_one_it_extends_and_keeps_its_tiers():
    form = document.parse(HEAD + EXTENDING)
    assert asked(form, "promote", "low") == ({"DATA-1"}, {"MODEL-6", "MON-2"}, {}, 1)
    assert asked(form, "promote", "high") == ({"DATA-1", "MODEL-6"}, {"MON-2"}, {"infra": 2}, 1)


def test_a_stage_that_the_policy_lacks_has_no_conditions_to_give():
    with pytest.raises(ValueError, match="no stage 'promote'"):
        document.parse(HEAD + ADMIT).conditions("promote", "low")


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stages",
    [
        "stages: {}",
        "stages: {admit: {}}",
        "stages: {admit: {must_pass: []}}",
        "stages: {admit: {minimum: {score: 0, sections: {data: 0}}}}",
        "stages: {admit: {must_pass: [DATA-1]}, promote: {}}",
        "stages: {admit: {risk_tiers: {high: {must_pass: [DATA-1]}}}}",
        "stages: {admit: {extends: promote}, promote: {}}",
    ],
)
def test_a_stage_that_would_let_everything_pass_is_refused(stages):
    assert "let everything pass" in refusal(HEAD + stages).detail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "stages:\n  admitt: {}\n", 'production.yaml:4: stages.admitt: unknown key (did you mean "admit"?)'),
        (
            HEAD + "stages:\n  admit:\n    must_pas: [DATA-1]\n",
            'production.yaml:5: stages.admit.must_pas: unknown key (did you mean "must_pass"?)',
        ),
        (
            HEAD + "stages:\n  admit:\n    must_pass:\n      - DATA-1\n      - modl-6\n",
            """7: stages.admit.must_pass.1: 'modl-6' is not a test of the rubric (did you mean "MODEL-6"?)""",
        ),
        (
            HEAD + ADMIT + "thresholds:\n  DATA-1:\n    max_failing_cels: 0.1\n",
            '7: thresholds.DATA-1.max_failing_cels: unknown key (did you mean "max_failing_cells"?); DATA-1 knows',
        ),
        (HEAD + ADMIT + "thresholds: {DATA-1: {min_rows: many}}\n", "a number is due (the check's own is 100)"),
        (HEAD + ADMIT + "thresholds: {DATA-1: {min_rows: .nan}}\n", "a number is due"),
        (HEAD + ADMIT + "thresholds: {DATA-1: {min_rows: true}}\n", "a number is due"),
        (HEAD + ADMIT + "windows: {DATA-11: 3}\n", "windows.DATA-11: 'DATA-11' is not a test"),
        (HEAD + ADMIT + "windows: {DATA-1: 0}\n", "production.yaml:5: windows.DATA-1: input should be greater"),
        (HEAD + ADMIT + "accept_not_applicable: [MODEL-8]\n", "accept_not_applicable.0: 'MODEL-8' is not"),
        (HEAD + ADMIT + "decision_lifetime_hours: 0\n", "decision_lifetime_hours: input should be greater than 0"),
        (
            HEAD + ADMIT + "decision_lifetime_hours: '24'\n",
            "decision_lifetime_hours: input should be a valid number",
        ),
        (HEAD + "stages: {admit: {minimum: {score: 8}}}", "stages.admit.minimum.score: input should be less than"),
        (HEAD + "stages: {promote: {extends: admit, must_pass: [DATA-1]}}", "the policy has no stage 'admit'"),
        (
            HEAD + "stages: {admit: {extends: promote}, promote: {extends: admit}}",
            "stages.admit.extends: 'promote' itself extends a stage: a circle",
        ),
        (HEAD.replace("1", "2") + ADMIT, "production.yaml:1: assay_policy: 2 is not one of 1"),
        (HEAD.replace("production", "Production") + ADMIT, "production.yaml:2: name:"),
        (HEAD.replace("production", "organisation") + ADMIT, "which has no stages"),
        (HEAD + ADMIT + ADMIT, "production.yaml:5: stages: is given twice"),
        ("", "stages: is required"),
        ("- a\n- b\n", "a mapping of keys to values is expected"),
    ],
)
def test_mistakes_are_refused_with_their_line_and_the_nearest_valid_word(text, expected):
    assert expected in refusal(text).detail


def test_a_threshold_of_a_test_without_a_check_is_refused(monkeypatch):
    monkeypatch.setattr(contradictions, "discover", dict)
    text = HEAD + ADMIT + "thresholds: {DATA-1: {n: 3}}\n# of a rubric without checks\n"
    assert "thresholds.DATA-1: has no automated check yet" in refusal(text).detail


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines():
    errors = refusal(HEAD + "stages:\n  admit:\n    must_pass: [DATA-9]\n    colour: red\nwindows: {X: 1}\n").errors
    assert [(error.path, error.line) for error in errors] == [
        ("stages.admit.must_pass.0", 5),
        ("stages.admit.colour", 6),
        ("windows.X", 7),
    ]


@pytest.mark.parametrize(
    ("stages", "path"),
    [
        (
            "stages: {admit: {minimum: {score: 2}}, promote: {extends: admit, minimum: {score: 1}}}",
            "stages.promote.minimum.score: 1 is less than 2",
        ),
        (
            "stages: {admit: {minimum: {score: 2}, risk_tiers: {low: {minimum: {sections: {data: 0}, score: 1}}}}}",
            "stages.admit.risk_tiers.low.minimum.score: 1 is less than 2",
        ),
    ],
)
def test_an_overlay_only_tightens(stages, path):
    assert path in refusal(HEAD + stages).detail


TESTS = st.lists(st.sampled_from(sorted(BY_ID)), max_size=4)
POINTS = st.sampled_from([0, 0.5, 1, 3])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "must_pass": TESTS,
        "must_not_fail": TESTS,
        "minimum": st.fixed_dictionaries(
            {},
            optional={"score": POINTS, "sections": st.dictionaries(st.sampled_from([*Section]).map(str), POINTS)},
        ),
    },
)


@given(admit=PARTS, promote=PARTS, high=PARTS, extends=st.booleans())
def test_whatever_is_accepted_asks_for_something_in_every_stage_and_tier(admit, promote, high, extends):
    promote = promote | {"risk_tiers": {"high": high}} | ({"extends": "admit"} if extends else {})
    text = yaml.safe_dump({"assay_policy": 1, "name": "production", "stages": {"admit": admit, "promote": promote}})
    try:
        form = document.parse(text)
    except Invalid:
        return
    for stage in document.STAGES:
        low, tightened = (form.conditions(stage, tier).demand for tier in ("low", "high"))
        assert not low.empty
        assert set(low.must_pass) <= set(tightened.must_pass)
        assert set(low.must_not_fail) <= {*tightened.must_pass, *tightened.must_not_fail}
        assert low.score <= tightened.score
        assert all(points <= tightened.sections[section] for section, points in low.sections.items())


# --- the organisation's policy ------------------------------------------------------------------------


def test_the_organisation_policy_is_as_strict():
    with pytest.raises(Invalid) as caught:
        organisation.parse("assay_policy: 1\nname: organisation\nbaned_features: [age]\n")
    assert caught.value.errors[0].line == 3
    assert 'did you mean "banned_features"?' in caught.value.detail


def test_the_organisation_policy_becomes_what_checks_see():
    policy = organisation.parse(
        "assay_policy: 1\nname: organisation\nbanned_features: ['*_ssn']\nsensitive: [sex]\n"
        "slices:\n  - {name: young, where: {age: {max: 30}}}\n"
    )
    assert policy.banned_features == ("*_ssn",)
    assert policy.sensitive == ("sex",)
    assert [(part.name, part.where) for part in policy.slices] == [("young", {"age": {"max": 30}})]


# --- the documentation --------------------------------------------------------------------------------

DOCS = Path(ROOT / "docs" / "policy.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", DOCS, flags=re.DOTALL))
def test_every_example_of_the_documentation_is_a_valid_policy(example):
    parse = document.parse_additions if "\nmodel: " in example else document.parse
    parse = organisation.parse if "name: organisation" in example else parse
    assert parse(example)


def test_the_documentation_shows_the_defaults_word_for_word():
    for file in DEFAULTS.glob("*.yaml"):
        assert f"```yaml\n{file.read_text()}```" in DOCS, f"{file.name} has changed: copy it into docs/policy.md"


def test_the_documentation_names_every_key():
    keys = {*document.PolicyForm.model_fields, *document.StageForm.model_fields}
    keys |= set(organisation.OrganisationForm.model_fields) | {
        *written.FloorForm.model_fields,
        *written.PhasedIn.model_fields,
    }
    assert [key for key in sorted(keys) if f"`{key}`" not in DOCS] == []
