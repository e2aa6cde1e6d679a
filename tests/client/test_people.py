"""Waiting for people at the gate: as long as nothing else is missing, and no longer."""

from __future__ import annotations

import pytest

from app.access.service import create_token
from app.client import Assay, people
from app.client.people import awaited
from app.gate.policies import write_policy
from tests.gate import planted
from tests.http.conftest import Server, server

__all__ = ["Server", "server"]

POLICY = """
assay_policy: 1
name: eu
stages:
  admit: {must_pass: [DATA-1, DATA-4], approvals: {reviewer: 1, owner: 1}}
waivers: {approvers: [reviewer]}
"""
MODEL, VERSION = "credit-default", "1.0.0"
GIVEN = {"environment": "eu", "comment": "Read the validation report."}
ASKED = {"condition": "must_pass.DATA-4", "environment": "eu", "reason": "It goes.", "days": 30}


@pytest.fixture
def plant(database):
    def make(**verdicts):
        subject = planted.registered(database)[1]
        with database.write() as session:
            write_policy(session, "eu", POLICY, "tests")
            planted.audit(session, subject, {"DATA-1": "pass", "DATA-4": "pass"} | verdicts)

    return make


@pytest.fixture
def acting(server, database, monkeypatch):
    """``acting("owner")``: the client of somebody in that role."""
    monkeypatch.setattr(people, "PEOPLE_SECONDS", 0.05)
    opened = []

    def make(role):
        with database.write() as session:
            _, token = create_token(session, name=f"a {role}", role=role, created_by="tests")
        opened.append(Assay(server.url, token))
        return opened[-1]

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.slow
def test_it_waits_until_the_last_of_them_answered(plant, acting):
    plant(**{"DATA-4": "fail"})
    ci, owner, reviewer = (acting(role) for role in ("ci", "owner", "reviewer"))
    waiver = owner.request_waiver(MODEL, ASKED)["id"]
    told = []
    steps = [
        lambda: reviewer.give_approval(MODEL, VERSION, **GIVEN),
        lambda: reviewer.approve_waiver(waiver),
        lambda: owner.give_approval(MODEL, VERSION, **GIVEN),
    ]

    def tell(names):
        told.append(names)
        steps.pop(0)()

    first = ci.evaluate(MODEL, VERSION, environment="eu")
    assert first["status"] == "fail"
    last = ci.wait_for_people(first, 60, tell)
    assert last["status"] == "pass"
    assert told == [
        ["must_pass.DATA-4", "approvals.reviewer", "approvals.owner"],
        ["must_pass.DATA-4", "approvals.owner"],
        ["approvals.owner"],
    ]
    assert last["id"] - first["id"] == 3  # one each time that the answer changed, none for looking


@pytest.mark.slow
def test_a_waiver_that_is_turned_down_ends_it(plant, acting):
    plant(**{"DATA-4": "fail"})
    ci, owner, reviewer = (acting(role) for role in ("ci", "owner", "reviewer"))
    waiver = owner.request_waiver(MODEL, ASKED)["id"]
    decision = ci.evaluate(MODEL, VERSION, environment="eu")
    told = []

    def refuse(names):
        told.append(names)
        reviewer.revoke_waiver(waiver, "No.")

    assert ci.wait_for_people(decision, 60, refuse) == decision
    assert len(told) == 1


@pytest.mark.slow
def test_time_is_up_and_the_answer_stays_unknown(plant, acting):
    plant()
    ci, told = acting("ci"), []
    decision = ci.evaluate(MODEL, VERSION, environment="eu", dry_run=True)
    after = ci.wait_for_people(decision, 0.2, told.append)
    assert (after["status"], after["id"], told) == ("unknown", None, [["approvals.reviewer", "approvals.owner"]])


def decided(*conditions, status="unknown", version=VERSION):
    return {
        "status": status, "version": version, "environment": "eu", "stage": "admit",
        "conditions": [{"enforced": True, "actual": 0, **one} for one in conditions],
    }  # fmt: skip


APPROVAL = {"name": "approvals.reviewer", "status": "unknown"}
FAILED = {"name": "must_pass.DATA-4", "status": "fail", "actual": "fail"}
WAIVER = {"status": "requested", "environment": "eu", "stage": None, "version": None, "condition": FAILED["name"]}
OTHERS = [{"status": "approved"}, {"environment": "us"}, {"stage": "promote"}, {"version": "2"}]


@pytest.mark.parametrize(
    ("conditions", "waivers", "expected"),
    [
        ([APPROVAL], [], ["approvals.reviewer"]),
        ([APPROVAL, FAILED], [], []),
        ([APPROVAL, FAILED], [WAIVER], ["approvals.reviewer", FAILED["name"]]),
        ([APPROVAL, FAILED | {"enforced": False}], [], ["approvals.reviewer"]),
        ([APPROVAL, FAILED | {"waived_by": {"waiver": 3}}], [], ["approvals.reviewer"]),
        ([APPROVAL | {"actual": None}], [], []),  # it was not looked up: no approval would help
        *[([FAILED], [WAIVER | other], []) for other in OTHERS],
    ],
)
def test_who_is_waited_for(conditions, waivers, expected):
    assert awaited(decided(*conditions), waivers) == expected


@pytest.mark.parametrize("status", ["pass", "in_progress"])
def test_nobody_is_waited_for_where_nothing_is_missing_or_known(status):
    assert awaited(decided(APPROVAL, status=status), []) == []
