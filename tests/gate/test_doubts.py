"""What ``assay policy lint`` doubts: valid, and surely not meant. Each beside a twin that is meant."""

from __future__ import annotations

import pytest

from app.cli import run
from app.gate import policies
from app.gate.changes.candidates import doubts_of
from app.gate.changes.schemas import PolicyFile

HEAD = "assay_policy: 1\nname: eu\n"
ADMIT = HEAD + "stages:\n  admit:\n    must_pass: [DATA-1]\n"


def told(text):
    return [(one.path, one.message) for one in doubts_of(PolicyFile(text=text))]


@pytest.mark.parametrize(
    ("doubtful", "meant", "path", "word"),
    [
        (
            ADMIT + "    must_not_fail: [DATA-1]\n",
            ADMIT + "    must_not_fail: [DATA-2]\n",
            "stages.admit.must_not_fail",
            "goes without saying",
        ),
        (
            ADMIT + "    minimum: {score: 2, sections: {data: 2}}\n",
            ADMIT + "    minimum: {score: 2, sections: {data: 3}}\n",
            "stages.admit.minimum.sections.data",
            "always holds",
        ),
        (
            ADMIT + "    max_age_days: {DATA-1: 14}\n    risk_tiers: {high: {max_age_days: {DATA-1: 30}}}\n",
            ADMIT + "    max_age_days: {DATA-1: 14}\n    risk_tiers: {high: {max_age_days: {DATA-1: 7}}}\n",
            "stages.admit.risk_tiers.high.max_age_days.DATA-1",
            "max_age_days.DATA-1: 14",
        ),
        (
            ADMIT + "    approvals: {owner: 2}\n    risk_tiers: {high: {approvals: {owner: 1}}}\n",
            ADMIT + "    approvals: {owner: 2}\n    risk_tiers: {high: {approvals: {owner: 3}}}\n",
            "stages.admit.risk_tiers.high.approvals.owner",
            "no more than what holds already",
        ),
        (
            ADMIT + "    phased_in: [{enforced_from: 2030-01-01, must_not_fail: [DATA-1]}]\n",
            ADMIT + "    phased_in: [{enforced_from: 2030-01-01, must_pass: [DATA-2]}]\n",
            "stages.admit.phased_in.0.must_not_fail",
            "must_pass.DATA-1",
        ),
        (
            HEAD + "stages:\n  admit: {must_pass: [INFRA-6]}\n",
            HEAD + "stages:\n  promote: {must_pass: [INFRA-6]}\n",
            "stages.admit.must_pass",
            "can never hold",
        ),
        (
            ADMIT + "  promote: {must_pass: [INFRA-6]}\n",
            ADMIT + "  promote: {extends: admit, must_pass: [INFRA-6]}\n",
            "stages.promote",
            "does not ask for must_pass.DATA-1",
        ),
        (
            ADMIT + "thresholds: {INFRA-4: {min_rows: 10}}\n".replace("INFRA-4: {min_rows: 10}", "DATA-2: {}"),
            ADMIT + "thresholds: {DATA-1: {min_rows: 10}}\n",
            "thresholds.DATA-2",
            "no condition asks for DATA-2",
        ),
        (
            ADMIT + "accept_not_applicable: [MODEL-7]\n",
            ADMIT + "accept_not_applicable: [DATA-1]\n",
            "accept_not_applicable",
            "no condition asks for MODEL-7",
        ),
        (
            ADMIT + "windows: {DATA-2: 9}\n",
            ADMIT + "    minimum: {score: 1}\nwindows: {DATA-2: 9}\n",
            "windows.DATA-2",
            "no effect",
        ),
        (
            ADMIT + "    max_age_days: {DATA-1: 20}\nwindows: {DATA-1: 10}\n",
            ADMIT + "    max_age_days: {DATA-1: 19}\nwindows: {DATA-1: 10}\n",
            "stages",
            "after 20 a run shows nothing anyway",
        ),
        (
            ADMIT + "waivers: {approvers: []}\n",
            ADMIT + "waivers: {approvers: [admin]}\n",
            "waivers.approvers",
            "no waiver can ever be approved",
        ),
        (
            ADMIT + "waivers: {never: [must_pass.DATA-2]}\n",
            ADMIT + "waivers: {never: [must_pass.DATA-1]}\n",
            "waivers.never",
            "no condition must_pass.DATA-2",
        ),
    ],
)
def test_what_is_surely_not_meant_is_doubted_and_its_twin_is_not(doubtful, meant, path, word):
    [(found, message)] = told(doubtful)
    assert (found, word in message) == (path, True)
    assert told(meant) == []


def test_floors_and_additions_are_read_too():
    additions = (
        "assay_policy: 1\nmodel: m\nstages:\n  admit: {must_pass: [DATA-1]}\n  promote: {must_pass: [DATA-1]}\n"
    )
    assert [path for path, _ in told(additions)] == ["stages.promote.must_pass"]
    floor = "assay_policy: 1\nname: organisation\nfloor:\n  stages: {admit: {must_pass: [INFRA-6]}}\n"
    assert [path for path, _ in told(floor)] == ["floor.stages.admit.must_pass"]
    assert told("assay_policy: 1\nname: organisation\n") == []


@pytest.mark.parametrize("file", sorted(policies.DEFAULTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_what_assay_ships_is_beyond_doubt(file):
    assert told(file.read_text(encoding="utf-8")) == []


def test_lint_tells_doubts_and_is_strict_where_asked(tmp_path, capsys):
    file = tmp_path / "eu.yaml"
    file.write_text(ADMIT + "accept_not_applicable: [MODEL-7]\n")
    assert run(["policy", "lint", str(file)]) == 0
    assert f"{file}:6: accept_not_applicable: has no effect" in capsys.readouterr().out
    assert run(["policy", "lint", "--strict", str(file)]) == 1
    file.write_text(ADMIT)
    assert run(["policy", "lint", "--strict", str(file)]) == 0
    assert capsys.readouterr().out.endswith("eu.yaml: valid\n")
    file.write_text(ADMIT.replace("eu", "ue"))
    assert run(["policy", "lint", str(file)]) == 1
