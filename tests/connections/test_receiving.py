"""The door that tools knock at: who signed, what came before, and what became of it."""

import json
import threading
import time
from datetime import timedelta

import httpx2
import pytest
from sqlmodel import select

from app.db import utcnow
from app.ledger.service import AHEAD
from app.tables import AuditLog, LedgerEvent, ReceivedMessage
from tests.connections import messages as sign
from tests.connections.messages import REPOSITORY, SHA, example, github
from tests.evidence.collecting.conftest import server

__all__ = ["server"]

pytestmark = pytest.mark.both_databases

RUN = {"workflow_run__head_sha": SHA, "workflow_run__id": 7}


def test_a_push_becomes_commits_of_the_ledger(forge, declared, send, told, messages):
    answer = send("github", *github(forge, "push", example("push")))
    assert (answer.status_code, answer.json()["status"], answer.json()["events"]) == (200, "recorded", 1)
    (commit,) = told(kind="commit")
    assert (commit["repository"], commit["branch"], commit["author"]) == (REPOSITORY, "master", "Codertocat")
    assert messages("github") == [("recorded", "", 1)]


def nothing_is_stored(database):
    with database.read() as session:
        rows = (*session.exec(select(ReceivedMessage)), *session.exec(select(LedgerEvent)))
        actions = set(session.exec(select(AuditLog.action)))
    return not rows and not actions & {"connection.receive", "ledger.record"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers.pop("X-Hub-Signature-256"),
        lambda headers: headers.update({"X-Hub-Signature-256": ""}),
        lambda headers: headers.update({"X-Hub-Signature-256": "sha256=" + "0" * 64}),
        lambda headers: headers.update({"X-Hub-Signature-256": headers["X-Hub-Signature-256"].upper()}),
        lambda headers: headers.update({"X-Hub-Signature-256": headers["X-Hub-Signature-256"][7:]}),
        lambda headers: headers.update({"X-Hub-Signature-256": "sha256=ü"}),
        lambda headers: headers.pop("X-GitHub-Delivery"),
        lambda headers: headers.update({"X-GitHub-Delivery": "d" * 251}),
    ],
)
def test_what_is_not_signed_leaves_nothing(forge, declared, send, database, spoil):
    headers, content = github(forge, "push", example("push"))
    spoil(headers)
    answer = send("github", {key: value.encode() for key, value in headers.items()}, content)
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert nothing_is_stored(database)


def test_another_body_than_the_signed_one_leaves_nothing(forge, declared, send, database):
    headers, content = github(forge, "push", example("push"))
    assert send("github", headers, content.replace(b"Codertocat", b"Malloryxxx")).status_code == 401
    assert send("github", *github("whsec_" + "0" * 44, "push", example("push"))).status_code == 401
    assert send("gitlab", headers, content).status_code == 401  # no such connection
    assert nothing_is_stored(database)


def test_a_token_opens_this_door_for_nobody(forge, declared, admin, database):
    headers, content = github("x", "push", example("push"))
    assert admin.post("/hooks/github", headers=headers, content=content).status_code == 401
    assert nothing_is_stored(database)


def test_the_same_message_again_has_one_effect(forge, declared, send, told, messages):
    message = github(forge, "workflow_run", example("workflow_run", 1, **RUN))
    answers = [send("github", *message) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert [one.json()["times"] for one in answers] == [1, 2, 3]
    assert len(told(kind="ci_run")) == 1
    assert messages("github") == [("recorded", "", 3)]


def test_what_is_replayed_under_another_id_has_one_effect(forge, declared, send, told, messages):
    """GitHub signs no id: whoever saw a delivery could send it again under another."""
    for delivery in ("first", "second"):
        body = example("workflow_run", 1, **RUN)
        assert send("github", *github(forge, "workflow_run", body, delivery)).status_code == 200
    assert len(told(kind="ci_run")) == 1
    assert [status for status, *_ in messages("github")] == ["recorded", "recorded"]


def test_another_message_under_the_same_id_is_refused(forge, declared, send, messages):
    send("github", *github(forge, "push", example("push"), "same"))
    answer = send("github", *github(forge, "workflow_run", example("workflow_run", 1, **RUN), "same"))
    assert answer.status_code == 409
    assert "came before with other content" in answer.json()["detail"]
    assert messages("github") == [("recorded", "", 1)]


def test_ten_at_once_have_one_effect(forge, declared, server, told, messages):
    headers, content = github(forge, "push", example("push"))
    ready, codes = threading.Barrier(10), []

    def deliver():
        ready.wait()
        codes.append(httpx2.post(f"{server.url}/hooks/github", headers=headers, content=content).status_code)

    senders = [threading.Thread(target=deliver) for _ in range(10)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert codes == [200] * 10
    assert len(told(kind="commit")) == 1
    assert messages("github") == [("recorded", "", 10)]


def states():
    """The messages of a run, in order."""
    at = ("2026-03-01T02:00:00Z", "2026-03-01T02:01:00Z", "2026-03-01T02:09:00Z")
    for number, (action, status, conclusion) in enumerate(
        [("requested", "queued", None), ("in_progress", "in_progress", None), ("completed", "completed", "failure")]
    ):
        changes = {"status": status, "conclusion": conclusion, "updated_at": at[number], "run_started_at": at[0]}
        yield example(
            "workflow_run", 1, action=action, **RUN, **{f"workflow_run__{k}": v for k, v in changes.items()}
        )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_arrival_does_not_matter(forge, declared, send, database, order):
    from app.ledger import facts
    from app.tables import Pipeline

    bodies = list(states())
    for number in order:
        assert send("github", *github(forge, "workflow_run", bodies[number])).status_code == 200
    with database.read() as session:
        history = facts.of_pipeline(session, session.exec(select(Pipeline)).one(), utcnow())
    (run,) = history.ci_runs
    assert (run.run, run.state, run.commit, run.at.isoformat()) == (
        "7",
        "failed",
        SHA,
        "2026-03-01T02:09:00+00:00",
    )


def test_what_has_not_come_yet_is_set_aside_until_it_has(forge, declared, send, told, messages):
    ahead = (utcnow() + AHEAD + timedelta(seconds=2)).isoformat()
    message = github(forge, "workflow_run", example("workflow_run", 1, **RUN, workflow_run__updated_at=ahead))
    answer = send("github", *message)
    assert (answer.status_code, answer.json()["status"], answer.json()["untaken"]) == (200, "set_aside", 1)
    assert "has not come yet" in answer.json()["reason"]
    assert [status for status, *_ in messages("github", status="set_aside")] == ["set_aside"]
    assert told() == []
    time.sleep(2.5)
    assert send("github", *message).json()["status"] == "recorded"
    assert messages("github") == [("recorded", "", 2)]
    assert len(told(kind="ci_run")) == 1


def test_what_is_replayed_counts_no_more_than_before(forge, send, messages):
    for delivery in ("first", "second"):
        assert send("github", *github(forge, "push", example("push"), delivery)).json()["status"] == "set_aside"
    assert [status for status, *_ in messages("github")] == ["set_aside", "set_aside"]


def test_what_names_the_unknown_is_set_aside_and_seen(forge, send, messages, admin, told):
    answer = send("github", *github(forge, "push", example("push")))
    assert (answer.status_code, answer.json()["status"]) == (200, "set_aside")
    assert messages("github") == [("set_aside", f"no repository is registered as '{REPOSITORY}'", 1)]
    assert admin.get("/api/v1/connections/github").json()["messages"] == {"set_aside": 1}
    assert len(told(set_aside=True)) == 1
    admin.put(
        "/api/v1/pipelines/credit-training",
        json={"name": "credit-training", "owner": "r", "repository": REPOSITORY},
    )
    assert told(set_aside=True) == []


def test_the_page_says_what_does_not_count_and_why(forge, declared, send, client):
    assert "None." in client("viewer").get("/connections").text
    send("github", *github(forge, "push", example("push"), "good"))
    send("github", *github(forge, "push", example("push", repository__full_name="bank/other"), "odd"))
    told = {"kind": "commit", "id": "<b>1</b>", "at": "2026-03-01T02:00:00Z", "repository": "bank/nobodys"}
    told |= {"commit": SHA, "branch": "main", "author": "Ada"}
    client("ci").post("/api/v1/ledger/events", json={"events": [told]})
    page = client("viewer").get("/connections").text
    assert "1 recorded" in page
    assert "1 refused" in page
    refused = page.split('data-message="odd"')[1].split("</tr>")[0]
    assert "does not speak about the repository &#39;bank/other&#39;" in refused
    assert 'data-message="good"' not in page
    assert "no repository is registered as &#39;bank/nobodys&#39;" in page
    assert "<b>1</b>" not in page


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        (
            "push",
            example("push", repository__full_name="bank/other"),
            "does not speak about the repository 'bank/other'",
        ),
        ("push", b'{"ref": "refs/heads/main",', "the body is not JSON"),
        ("push", b"[1]", "the body is not a JSON object"),
        ("push", example("workflow_run"), "this is not a push: ref: is required"),
        (
            "workflow_run",
            example("workflow_run", workflow_run__head_sha="HEAD"),
            "this is not a workflow run: workflow_run.head_sha",
        ),
        ("workflow_run", example("workflow_run", workflow_run__updated_at="soon"), "workflow_run.updated_at"),
        (
            "deployment_status",
            example("deployment_status", deployment__payload={"pipeline": "scoring", "digest": "a" * 64}),
            "does not speak about the pipeline 'scoring'",
        ),
    ],
)
def test_what_is_not_what_it_says_is_refused_with_the_reason(
    forge, declared, send, told, messages, event, body, reason
):
    answer = send("github", *github(forge, event, body))
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    ((status, kept, _),) = messages("github")
    assert (status, kept) == ("refused", answer.json()["detail"])
    assert told() == []


def test_what_was_refused_is_judged_again_when_it_is_sent_again(admin, connect, declared, send, told):
    secret = connect("github", repositories=["bank/credits"])["secret"]
    message = github(secret, "push", example("push"))
    assert 'did you mean "bank/credits"' in send("github", *message).json()["detail"]
    admin.delete("/api/v1/connections/github")
    secret = connect("github", repositories=[REPOSITORY])["secret"]
    assert send("github", *github(secret, "push", json.loads(message[1]), "x")).status_code == 200
    assert len(told(kind="commit")) == 1


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        ("ping", example("ping"), "not ping"),
        ("star", {"action": "created"}, "not star"),
        ("", {}, "not one without a name"),
        ("push", example("push", ref="refs/tags/v1"), "no commit reached a branch: refs/tags/v1"),
        ("push", example("push", 1), "was deleted"),
    ],
)
def test_what_tells_nothing_is_answered_so(forge, send, messages, event, body, reason):
    answer = send("github", *github(forge, event, body))
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert reason in messages("github")[0][1]


def test_forms_are_not_read(forge, send, database):
    headers, content = github(forge, "push", b"payload=%7B%7D", content_type="application/x-www-form-urlencoded")
    answer = send("github", headers, content)
    assert (answer.status_code, "application/json" in answer.json()["detail"]) == (422, True)
    assert nothing_is_stored(database)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(forge, send, database):
    answer = send("github", *github(forge, "push", b'{"a": "' + b"x" * 9_000_000 + b'"}'))
    assert answer.status_code == 413
    assert nothing_is_stored(database)


def test_a_removed_connection_takes_nothing_more(forge, declared, admin, send, database):
    message = github(forge, "push", example("push"))
    assert admin.delete("/api/v1/connections/github").status_code == 204
    assert send("github", *message).status_code == 401
    assert nothing_is_stored(database)


def test_a_rotated_secret_holds_for_a_while(forge, declared, admin, send):
    rotated = admin.post("/api/v1/connections/github/rotate", json={"overlap_hours": 1}).json()
    assert rotated["secret"] != forge
    for secret in (forge, rotated["secret"]):
        assert send("github", *github(secret, "push", example("push"))).status_code == 200
    again = admin.post("/api/v1/connections/github/rotate", json={"overlap_hours": 0}).json()
    answers = [
        send("github", *github(secret, "push", example("push"))).status_code
        for secret in (forge, rotated["secret"], again["secret"])
    ]
    assert answers == [401, 401, 200]


def test_only_an_administrator_connects_and_no_secret_is_shown_again(client, connect):
    asked = {"name": "x", "kind": "github", "repositories": [REPOSITORY]}
    for role in ("ci", "owner", "reviewer", "viewer"):
        assert client(role).post("/api/v1/connections", json=asked).status_code == 403
        assert client(role).delete("/api/v1/connections/x").status_code in {403, 404}
    secret = connect("github", repositories=[REPOSITORY])["secret"]
    viewer = client("viewer")
    shown = viewer.get("/api/v1/connections").text + viewer.get("/api/v1/connections/github").text
    assert secret not in shown
    assert "/hooks/github" in shown
    admin = client("admin")
    assert admin.post("/api/v1/connections", json=asked | {"name": "github"}).status_code == 409
    keyed = {"Idempotency-Key": "once"}
    first, second = (admin.post("/api/v1/connections", json=asked, headers=keyed).json() for _ in range(2))
    assert (first["id"], second["secret"]) == (second["id"], None)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "github"},
        {"kind": "gitlab", "models": {"a": "a"}},
        {"kind": "mlflow", "repositories": ["a/b"]},
        {"kind": "webhook"},
        {"kind": "svn", "repositories": ["a/b"]},
        {"kind": "github", "repositories": ["a/b"], "name": "../x"},
        {"kind": "github", "repositories": ["a/b"], "secret": "mine"},
    ],
)
def test_a_connection_that_makes_no_sense_is_refused(admin, asked):
    assert admin.post("/api/v1/connections", json={"name": "x", **asked}).status_code == 422


def test_signing_is_what_the_tools_document(forge):
    """The helpers of these tests sign as a published library does."""
    from standardwebhooks import Webhook

    headers, content = sign.standard(forge, {"a": 1})
    assert Webhook(forge).verify(content, headers) == {"a": 1}
