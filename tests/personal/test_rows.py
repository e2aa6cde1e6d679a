"""Rows of the log over HTTP and the command line: masked, as they are with a scope and a trace, deleted."""

from __future__ import annotations

import json
from datetime import timedelta

import pandas as pd
import pytest
from sqlmodel import select

from app.access.service import create_token
from app.tables import AuditLog, Version
from tests.audits.conftest import plant
from tests.monitoring.conftest import START
from tests.monitoring.test_pushing import WHERE, lines, log

PERSON, MODEL = "customer-vexbolt", "tumour-malignancy"
ASKED = {"model": MODEL, "person": PERSON, "reason": "complaint 17"}
MASK = "•••"


@pytest.fixture
def person_of(client, database):
    """``person_of(role, *scopes)``: a client whose token was granted these too."""

    def make(role, *scopes):
        with database.write() as session:
            made = {"name": "dpo", "role": role, "scopes": ["read", *scopes], "created_by": "tests"}
            _, secret = create_token(session, **made)
        http = client(None)
        http.headers["Authorization"] = f"Bearer {secret}"
        return http

    return make


@pytest.fixture
def pushed(client, database):
    """Four predictions, the second and the fourth of the person."""
    with database.write() as session:
        version = plant(session)[1]
        columns = version.manifest["columns"] | {"person": "customer", "personal": ["mean texture"]}
        version.manifest = version.manifest | {"columns": columns}
        session.add(version)
    http = client("ci")
    frame = log().assign(customer=["c-0", PERSON, "c-2", PERSON])
    params = WHERE | {"filename": "log.jsonl"}
    answer = http.post("/api/v1/predictions", params=params, content=lines(frame))
    assert answer.json() == {"new": 4, "known": 0, "forgotten": 0}, answer.text
    return http


def entries(database, action) -> list[AuditLog]:
    with database.read() as session:
        return list(session.exec(select(AuditLog).where(AuditLog.action == action)).all())


def test_a_prediction_is_shown_without_values_of_declared_columns(pushed, database):
    shown = pushed.get(f"/api/v1/predictions/{MODEL}/p00001").json()
    assert shown["masked"] == ["customer", "mean texture"]
    (row,) = shown["rows"]
    assert (row["version"], row["environment"], row["role"]) == ("1.0.0", "production", "stable")
    assert (row["values"]["customer"], row["values"]["mean texture"]) == (MASK, MASK)
    assert row["values"]["mean radius"] == 11.0
    assert entries(database, "rows.disclosed") == []


def test_what_is_not_stored_has_no_rows(pushed):
    assert pushed.get(f"/api/v1/predictions/{MODEL}/nothing").json()["rows"] == []
    assert pushed.get("/api/v1/predictions/nothing/p00001").status_code == 404


def test_rows_as_they_are_need_a_scope_and_leave_a_trace(pushed, person_of, database):
    rows = person_of("viewer", "rows:read").post("/api/v1/predictions/disclosures", json=ASKED).json()["rows"]
    assert [row["values"]["assay.id"] for row in rows] == ["p00001", "p00003"]
    assert {row["values"]["customer"] for row in rows} == {PERSON}
    assert {row["values"]["mean texture"] for row in rows} == {15}
    (entry,) = entries(database, "rows.disclosed")
    assert (entry.actor, entry.subject, entry.details["reason"]) == ("dpo", MODEL, "complaint 17")
    assert entry.details["predictions"] == 2
    assert PERSON not in json.dumps(entry.details)


@pytest.mark.parametrize("role", ["viewer", "ci", "reviewer", "owner", "admin"])
def test_no_role_reads_them_by_itself(pushed, client, database, role):
    answer = client(role).post("/api/v1/predictions/disclosures", json=ASKED)
    assert answer.status_code == 403
    assert "rows:read" in answer.json()["detail"]
    assert entries(database, "rows.disclosed") == []


@pytest.mark.parametrize(
    "wrong",
    [{"reason": " "}, {"reason": None}, {"prediction": "p00001"}, {"person": None}, {"reason": f"of {PERSON}"}],
    ids=["no reason", "null", "both", "neither", "names them"],
)
def test_without_a_reason_nothing_is_shown(pushed, person_of, database, wrong):
    answer = person_of("viewer", "rows:read").post("/api/v1/predictions/disclosures", json=ASKED | wrong)
    assert answer.status_code == 422
    assert PERSON not in answer.text
    assert entries(database, "rows.disclosed") == []


def test_deleted_over_http_they_are_gone_and_stay_away(pushed, person_of, client):
    officer = person_of("viewer", "rows:forget")
    gone = officer.post("/api/v1/predictions/deletions", json=ASKED).json()
    assert (gone["predictions"], gone["labels"], gone["files_pending"]) == (2, 0, 0)
    assert officer.get(f"/api/v1/predictions/{MODEL}/p00001").json()["rows"] == []
    assert len(officer.get(f"/api/v1/predictions/{MODEL}/p00002").json()["rows"]) == 1
    again = log().assign(customer=["c-0", PERSON, "c-2", PERSON])
    answer = pushed.post("/api/v1/predictions", params=WHERE | {"filename": "log.jsonl"}, content=lines(again))
    assert answer.json() == {"new": 0, "known": 2, "forgotten": 2}
    days = pushed.get("/api/v1/traffic", params={
        "model": MODEL, "environment": "production", "since": START.isoformat(),
        "until": (START + timedelta(days=1)).isoformat(),
    }).json()  # fmt: skip
    assert days["rows"] == 2
    assert client("admin").get("/api/v1/audit-log/verification").json()["valid"]


@pytest.mark.parametrize("role", ["viewer", "ci", "reviewer", "owner"])
def test_only_who_was_granted_it_or_an_administrator_deletes(pushed, client, role):
    assert client(role).post("/api/v1/predictions/deletions", json=ASKED).status_code == 403
    assert client("admin").post("/api/v1/predictions/deletions", json=ASKED).status_code == 200


def test_a_number_names_the_same_person_however_it_is_stored(pushed, person_of, database):
    with database.read() as session:
        assert session.exec(select(Version)).one().manifest["columns"]["person"] == "customer"
    for numbers, start in (([7, 8], 10), ([7.0, None], 20), (["7", "8"], 30)):
        frame = log(2, start).assign(customer=pd.Series(numbers))
        params = WHERE | {"filename": "log.jsonl"}
        assert pushed.post("/api/v1/predictions", params=params, content=lines(frame)).json()["new"] == 2
    gone = person_of("viewer", "rows:forget").post("/api/v1/predictions/deletions", json=ASKED | {"person": "7"})
    assert gone.json()["predictions"] == 3
