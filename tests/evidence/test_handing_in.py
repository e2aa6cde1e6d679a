"""Evidence and attestations over HTTP: what counts in full, what is capped, what is refused."""

from __future__ import annotations

import pytest

from tests.catalog.releases import predictions_only, register, upload

pytestmark = pytest.mark.both_databases

JUNIT = b'<testsuite><testcase classname="t" name="a"/></testsuite>'
VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"


@pytest.fixture
def registered(client, tmp_path):
    assert register(client("ci"), *predictions_only(tmp_path)).status_code == 201


@pytest.fixture
def junit(tmp_path):
    path = tmp_path / "junit.xml"
    path.write_bytes(JUNIT)
    return path


def push(client, path, **changes):
    return client.post(f"{VERSION}/evidence", json={"kind": "junit", **upload(client, path), **changes})


@pytest.mark.parametrize(
    ("role", "commit", "cap"),
    [
        ("ci", "3f2a91c", None),
        ("ci", "3f2a91c0000", None),
        ("ci", None, "cannot be tied"),
        ("owner", "3f2a91c", "does not have the ci role"),
    ],
)
def test_only_the_pipelines_own_evidence_counts_in_full(client, registered, junit, role, commit, cap):
    told = push(client(role), junit, commit=commit).json()["cap"]
    assert (told is None) if cap is None else (cap in told)


def test_evidence_of_another_commit_is_refused_with_both_named(client, registered, junit):
    answer = push(client("ci"), junit, commit="abcdef1")
    assert answer.status_code == 409
    assert "abcdef1" in answer.text
    assert "3f2a91c" in answer.text


def test_the_same_file_again_with_its_commit_is_tied_to_it(client, registered, junit):
    first = push(client("ci"), junit, commit=None).json()
    again = push(client("ci"), junit, commit="3f2a91c").json()
    assert (again["id"], again["commit"], again["cap"]) == (first["id"], "3f2a91c", None)
    assert push(client("ci"), junit, commit=None).json()["commit"] == "3f2a91c"


def test_a_persons_commit_does_not_lift_the_cap_of_what_ci_handed_in(client, registered, junit):
    push(client("ci"), junit, commit=None)
    assert "does not have the ci role" in push(client("owner"), junit, commit="3f2a91c").json()["cap"]
    assert [one["automatic"] for one in client("ci").get(f"{VERSION}/evidence").json()] == [False, True]
    assert "cannot be tied" in push(client("ci"), junit, commit=None).json()["cap"]


def test_what_is_not_of_its_kind_is_refused_at_the_door(client, registered, tmp_path):
    path = tmp_path / "junit.xml"
    path.write_bytes(b"<html/>")
    assert push(client("ci"), path).status_code == 422
    assert push(client("ci"), path, kind="training-metrics").status_code == 422
    assert client("ci").get(f"{VERSION}/evidence").json() == []


def test_evidence_is_shown_as_text_and_never_as_a_page(client, registered, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"<script>alert(1)</script>")
    evidence_id = push(client("ci"), path, kind="report").json()["id"]
    shown = client("viewer").get(f"/api/v1/evidence/{evidence_id}/content")
    assert shown.content == path.read_bytes()
    assert shown.headers["content-type"].startswith("text/plain")
    assert "sandbox" in shown.headers["content-security-policy"]
    assert client("viewer").get(f"/api/v1/evidence/{evidence_id + 1}/content").status_code == 404


ATTESTATION = {
    "test_id": "MODEL-1",
    "person": "R. Okafor",
    "what": "Read the training code.",
    "result": "pass",
    "link": "https://forge.example.com/41",
    "recipients": ["model-risk@example.com"],
}


def attest(client, **changes):
    body = {key: value for key, value in {**ATTESTATION, **changes}.items() if value is not None}
    return client.post(f"{VERSION}/attestations", json=body)


def test_an_attestation_is_stored_as_it_was_made(client, registered):
    made = attest(client("reviewer"))
    assert made.status_code == 201
    assert client("viewer").get(f"{VERSION}/attestations").json() == [made.json()]
    assert ATTESTATION.items() <= made.json().items()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test_id": "MODEL-8"}, "did you mean"),
        ({"link": None}, "a file or a link"),
        ({"environment": "production"}, "knows no environment"),
        ({"recipients": []}, "recipients"),
        ({"result": "maybe"}, "result"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"expires_in_days": 181}, "expires_in_days"),
        ({"person": "  "}, "person"),
    ],
)
def test_an_attestation_that_documents_nothing_is_refused(client, registered, changes, words):
    answer = attest(client("reviewer"), **changes)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_reviewer_attests_with_a_file(client, registered, junit):
    reviewer = client("reviewer")
    digest = upload(reviewer, junit)["digest"]
    assert attest(reviewer, link=None, digest=digest).json()["digest"] == digest


def test_a_pipeline_cannot_attest(client, registered):
    assert attest(client("ci")).status_code == 403


def test_an_attestation_sent_twice_under_one_key_is_made_once(client, registered):
    reviewer = client("reviewer")
    reviewer.headers["Idempotency-Key"] = "once"
    assert attest(reviewer).json()["id"] == attest(reviewer).json()["id"]
    assert attest(reviewer, result="fail").status_code == 422
