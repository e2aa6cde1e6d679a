"""Audits over HTTP: queued, watched, cancelled, retried; findings and schedules as JSON."""

from __future__ import annotations

import pytest

from app.audits import ledger, service
from checks import discover
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases

AUDITS = "/api/v1/audits"
ASKED = {"model": "tumour-malignancy", "version": "1.0.0"}


@pytest.fixture
def http(client, planted):
    return client("ci")


def finished(database, settings, **columns):
    """Claim the oldest audit and store one finding of it."""
    row = {"check_id": "DATA-1", "verdict": "fail", "reason": "Bad.", "remedy": "Mend.", "measured": {"rows": 3}}
    row |= {"thresholds": {"min_rows": 100}, "inputs": {"train": "d" * 64}, "cap": None, "seconds": 1.5}
    row |= {"exhibits": [{"name": "cases.csv", "media_type": "text/csv", "digest": "b" * 64}]}
    ledger.finish(database, ledger.claim(database, "w", settings), [row | columns])


def test_an_audit_is_queued_with_all_checks_in_the_rubrics_order(http):
    answer = http.post(AUDITS, json=ASKED)
    assert answer.status_code == 201
    body = answer.json()
    assert list(body["progress"]) == list(discover())
    assert {step["status"] for step in body["progress"].values()} == {"waiting"}
    assert (body["status"], body["trigger"], body["automatic"], body["actor"]) == ("queued", "ci", True, "test-ci")
    assert http.get(f"{AUDITS}/{body['id']}").json() == body


def test_a_persons_audit_is_manual(client, planted):
    body = client("owner").post(AUDITS, json=ASKED).json()
    assert (body["trigger"], body["automatic"]) == ("manual", False)


def test_some_checks_once_each_in_the_rubrics_order(http):
    some = list(discover())[:1]
    body = http.post(AUDITS, json=ASKED | {"checks": some * 2, "environment": "staging"}).json()
    assert (list(body["progress"]), body["environment"]) == (some, "staging")


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"checks": ["DATA-11"]}, 422, "'DATA-11' is not a test of the rubric (did you mean"),
        ({"checks": ["DATA-1", "data-1"]}, 422, 'did you mean \\"DATA-1\\"'),
        ({"checks": []}, 422, "checks"),
        ({"environment": "../x"}, 422, "environment"),
        ({"verison": "1"}, 422, "verison"),
        ({"model": "tumor-malignancy"}, 404, 'did you mean \\"tumour-malignancy\\"'),
        ({"version": "1.0.1"}, 404, 'did you mean \\"1.0.0\\"'),
    ],
)
def test_what_makes_no_sense_is_refused(http, changes, status, told):
    answer = http.post(AUDITS, json=ASKED | changes)
    assert answer.status_code == status
    assert told in answer.text
    assert http.get(AUDITS).json()["items"] == []


def test_each_wrong_check_is_named_by_its_place(http, monkeypatch):
    automated = {test_id: check for test_id, check in discover().items() if test_id != "INFRA-6"}
    monkeypatch.setattr(service, "discover", lambda: automated)
    answer = http.post(AUDITS, json=ASKED | {"checks": ["DATA-1", "nonsense", "INFRA-6"]}).json()
    assert [error["path"] for error in answer["errors"]] == ["checks.1", "checks.2"]
    told = "INFRA-6 (Models are canaried before serving) has no automated check yet: attest it"
    assert answer["errors"][1]["message"] == told


def test_the_same_key_queues_once(http):
    key = {"Idempotency-Key": "k1"}
    first, second = (http.post(AUDITS, json=ASKED, headers=key).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert len(http.get(AUDITS).json()["items"]) == 1
    assert http.post(AUDITS, json=ASKED | {"environment": "x"}, headers=key).status_code == 422


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_audit_does_not(client, planted, role):
    expected = 401 if role is None else 403
    caller = client(role)
    for path in (AUDITS, f"{AUDITS}/1/cancel", f"{AUDITS}/1/retry"):
        assert caller.post(path, json=ASKED).status_code == expected


def test_audits_are_listed_newest_first_by_page_and_filter(http, database, settings):
    with database.write() as session:
        plant(session, name="other", version="9")
    ids = [http.post(AUDITS, json=ASKED).json()["id"] for _ in range(3)]
    other = http.post(AUDITS, json={"model": "other", "version": "9"}).json()["id"]
    finished(database, settings)
    page = http.get(AUDITS, params={"limit": 2}).json()
    rest = http.get(AUDITS, params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [a["id"] for a in page["items"] + rest["items"]] == [other, *reversed(ids)]
    assert rest["next_cursor"] is None

    def listed(**filters):
        return [audit["id"] for audit in http.get(AUDITS, params=filters).json()["items"]]

    assert listed(model="other") == [other]
    assert listed(version="9", status="queued") == [other]
    assert listed(status="succeeded") == ids[:1]
    assert listed(model="nobody") == []
    assert http.get(AUDITS, params={"status": "done"}).status_code == 422


def test_findings_are_listed_and_one_is_shown_in_full(http, database, settings):
    audit_id = http.post(AUDITS, json=ASKED).json()["id"]
    assert http.get(f"{AUDITS}/{audit_id}/findings").json() == {"items": [], "next_cursor": None}
    finished(database, settings, cap="handed in by Ada")
    (short,) = http.get(f"{AUDITS}/{audit_id}/findings").json()["items"]
    assert short["measured"] is None
    assert (short["check_id"], short["verdict"], short["cap"]) == ("DATA-1", "fail", "handed in by Ada")
    assert (short["model"], short["version"]) == ("tumour-malignancy", "1.0.0")
    assert short["exhibits"][0]["digest"] == "b" * 64
    (full,) = http.get(f"{AUDITS}/{audit_id}/findings", params={"full": True}).json()["items"]
    assert full == short | {"measured": {"rows": 3}}
    assert http.get(f"/api/v1/findings/{short['id']}").json() == full


@pytest.mark.parametrize("path", ["audits/7", "audits/7/findings", "findings/7"])
def test_what_is_not_there_is_404(http, path):
    assert http.get(f"/api/v1/{path}").status_code == 404


def test_a_queued_audit_is_cancelled_once(http):
    audit_id = http.post(AUDITS, json=ASKED).json()["id"]
    assert http.post(f"{AUDITS}/{audit_id}/cancel").json()["status"] == "cancelled"
    answer = http.post(f"{AUDITS}/{audit_id}/cancel")
    assert (answer.status_code, answer.json()["detail"]) == (409, f"audit {audit_id} has already ended (cancelled)")
    assert http.post(f"{AUDITS}/99/cancel").status_code == 404


def test_a_running_audit_is_asked_to_stop(http, database, settings):
    audit_id = http.post(AUDITS, json=ASKED).json()["id"]
    ledger.claim(database, "w", settings)
    body = http.post(f"{AUDITS}/{audit_id}/cancel").json()
    assert (body["status"], body["cancel_requested"]) == ("running", True)


def test_a_cancelled_audit_is_retried_as_a_new_one(http, client):
    some = list(discover())[:1]
    old = http.post(AUDITS, json=ASKED | {"checks": some, "environment": "staging"}).json()
    assert http.post(f"{AUDITS}/{old['id']}/retry").status_code == 409
    http.post(f"{AUDITS}/{old['id']}/cancel")
    key = {"Idempotency-Key": "again"}
    new = client("reviewer").post(f"{AUDITS}/{old['id']}/retry", headers=key)
    assert new.status_code == 201
    body = new.json()
    assert body["id"] != old["id"]
    assert (body["status"], list(body["progress"]), body["environment"]) == ("queued", some, "staging")
    assert (body["actor"], body["automatic"]) == ("test-reviewer", False)
    assert http.get(f"{AUDITS}/{old['id']}").json()["status"] == "cancelled"


def test_a_retry_under_the_same_key_is_one(http):
    old = http.post(AUDITS, json=ASKED).json()["id"]
    http.post(f"{AUDITS}/{old}/cancel")
    first, second = (http.post(f"{AUDITS}/{old}/retry", headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]


def test_a_succeeded_audit_is_not_retried(http, database, settings):
    audit_id = http.post(AUDITS, json=ASKED).json()["id"]
    finished(database, settings)
    answer = http.post(f"{AUDITS}/{audit_id}/retry")
    assert (answer.status_code, "succeeded" in answer.json()["detail"]) == (409, True)
