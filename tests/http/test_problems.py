"""Every error is a problem that tells what to do and nothing about our insides."""

import json
import sqlite3
from enum import StrEnum

import pytest
from fastapi import Query
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import select

from app.access.tokens import new_secret
from app.db import Database
from app.deps import CanRead, ReadSession, WriteSession
from app.errors import Conflict, FieldError, NotFound
from app.tables import Blob, Pipeline

HTML = {"Accept": "text/html,*/*"}


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Thing(BaseModel):
    colour: Colour
    parts: list[dict[str, int]] = []


ERRORS = {
    "missing": NotFound("no such spoon", [FieldError("spoon", "is missing", line=3)], nearest="fork"),
    "conflict": Conflict(),
    "locked": OperationalError("SELECT secret", {}, sqlite3.OperationalError("database is locked")),
    "waited": TimeoutError("waited too long for other writers"),
    "twice": IntegrityError("INSERT secret", {}, sqlite3.IntegrityError("UNIQUE constraint failed: a.b")),
    "orphan": IntegrityError("INSERT secret", {}, sqlite3.IntegrityError("FOREIGN KEY constraint failed")),
    "other": OverflowError("math range error"),
    "bug": ValueError("secret"),
}


@pytest.fixture
def faulty(app):
    """The application with routes that go wrong in every known way."""

    @app.post("/things")
    def make(thing: Thing, _: CanRead, limit: int = Query(1, le=10)) -> str:
        return "made"

    @app.get("/raise/{what}")
    def go_wrong(what: str, session: ReadSession, _: CanRead) -> str:
        if what == "huge":
            session.exec(select(Pipeline).where(Pipeline.id == 2**80)).all()
        raise ERRORS[what]

    @app.post("/half")
    def half(session: WriteSession, _: CanRead, fail: bool = False) -> str:
        session.add(Blob(digest="d" * 64, size=1))
        session.flush()
        if fail:
            raise NotFound
        return "whole"

    @app.post("/late")
    def late(session: WriteSession, _: CanRead) -> str:
        session.add(Blob(digest="e" * 64, size=None))  # refused by the database when it commits
        return "fine so far"

    return app


@pytest.fixture
def viewer(faulty, client):
    return client("viewer")


def test_the_form_of_a_problem(viewer):
    answer = viewer.get("/raise/missing", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:assay:problem:not-found",
        "title": "not found",
        "status": 404,
        "detail": "no such spoon",
        "errors": [{"path": "spoon", "message": "is missing", "line": 3}],
        "nearest": "fork",
        "request_id": "abc-1",
    }


@pytest.mark.parametrize(
    ("what", "status", "slug"),
    [
        ("missing", 404, "not-found"),
        ("conflict", 409, "conflict"),
        ("locked", 503, "unavailable"),
        ("waited", 503, "unavailable"),
        ("twice", 409, "conflict"),
        ("huge", 422, "invalid"),
        ("orphan", 500, "internal"),
        ("other", 500, "internal"),
        ("bug", 500, "internal"),
    ],
)
def test_what_each_error_becomes(viewer, caplog, what, status, slug):
    answer = viewer.get(f"/raise/{what}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:assay:problem:{slug}")
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) is (status == 503)
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert bool(logged) is (status >= 500)
    assert all(record.exc_info for record in logged)


def test_fields_are_named_by_their_path_with_the_nearest_valid_value(viewer):
    answer = viewer.post("/things?limit=11", json={"colour": "gren", "parts": [{"a": 1}, {"b": "x"}]})
    assert answer.status_code == 422
    errors = {error["path"]: error["message"] for error in answer.json()["errors"]}
    assert set(errors) == {"colour", "parts.1.b", "query.limit"}
    assert errors["colour"] == "Input should be 'red' or 'green' (did you mean \"green\"?)"
    assert answer.json()["detail"].count(":") == 3


def test_nothing_is_suggested_where_nothing_is_near(viewer):
    for value in ("xyz", "", 7, None, {"a": 1}, "g" * 10_000):
        answer = viewer.post("/things", json={"colour": value})
        assert answer.json()["errors"] == [{"path": "colour", "message": "Input should be 'red' or 'green'"}]


def test_a_missing_body_and_broken_json(viewer):
    answer = viewer.post("/things")
    assert answer.json()["errors"] == [{"path": "body", "message": "Field required"}]
    answer = viewer.post("/things", content='{"colour": }', headers={"Content-Type": "application/json"})
    assert answer.json()["errors"] == [
        {"path": "body", "message": "not valid JSON at character 11: Expecting value"}
    ]


def test_what_was_sent_is_not_sent_back(viewer):
    answer = viewer.post("/things", json={"colour": "a-password", "parts": "another-password"})
    assert "password" not in answer.text


def test_many_errors_are_cut_short(viewer):
    answer = viewer.post("/things", json={"colour": "red", "parts": [{"a": "x"}] * 1000})
    assert len(answer.json()["errors"]) == 50


def test_no_such_path_and_no_such_method(viewer):
    answer = viewer.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:assay:problem:not-found")
    answer = viewer.put("/things")
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:assay:problem:method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_browsers_get_a_page_and_the_api_never_answers_with_one(viewer):
    page = viewer.get("/raise/missing", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "no such spoon" in page.text
    page = viewer.get("/nothing", headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    page = viewer.get("/raise/bug", headers=HTML)
    assert page.status_code == 500
    assert "secret" not in page.text
    assert viewer.get("/api/v1/nothing", headers=HTML).headers["content-type"] == "application/problem+json"


def test_a_page_escapes_what_it_quotes(app, client):
    @app.get("/quote")
    def quote(_: CanRead) -> str:
        raise NotFound("<script>alert(1)</script>")

    page = client("viewer").get("/quote", headers=HTML)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_write_that_fails_leaves_nothing(viewer, database):
    assert viewer.post("/half?fail=true").status_code == 404
    assert viewer.post("/late").status_code == 500  # not 200: the commit comes before the answer
    with database.read() as session:
        assert session.exec(select(Blob)).all() == []
    assert viewer.post("/half").status_code == 200
    with database.read() as session:
        assert len(session.exec(select(Blob)).all()) == 1


@pytest.mark.both_databases
def test_a_locked_database_is_a_503_and_recovers(faulty, viewer, settings, monkeypatch):
    monkeypatch.setattr("app.db.BUSY_SECONDS", 0)
    with faulty.state.db.engine.connect() as connection:  # the pool's next connections wait no longer than this
        on_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("PRAGMA busy_timeout = 100" if on_sqlite else "SET lock_timeout = 100")
        connection.commit()
    other = Database(settings.sqlalchemy_url)
    with other.write() as session:
        session.connection()
        answer = viewer.post("/half")
    other.dispose()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert viewer.post("/half").status_code == 200


@pytest.mark.both_databases
def test_a_database_without_tables_is_a_503(settings, empty_database, tmp_path):
    from app.main import create_app

    (tmp_path / "empty").mkdir()
    empty = settings.model_copy(update={"data_dir": tmp_path / "empty", "database_url": empty_database})
    with TestClient(create_app(empty)) as client:
        bearer = {"Authorization": f"Bearer {new_secret()}"}
        assert client.get("/api/v1/me", headers=bearer).status_code == 503
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert "assay db upgrade" in ready.json()["detail"]


# --- documentation ------------------------------------------------------------------------------


@pytest.fixture
def document(client):
    return client("viewer").get("/api/v1/openapi.json").json()


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_documents_problems_and_has_a_tag(document):
    for path, method, operation in operations(document):
        content = operation["responses"]["default"]["content"]
        assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem", (
            path,
            method,
        )
        assert operation.get("tags"), (path, method)


def test_the_problem_schema_describes_our_problems(document, viewer):
    import jsonschema

    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    for path in ("/raise/missing", "/raise/bug", "/nothing"):
        jsonschema.validate(viewer.get(path).json(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"detail": "x"}, schema)


def test_every_reference_in_the_document_leads_somewhere(document):
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    referred = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}
    assert referred <= known
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_document_says_how_to_authenticate(document):
    schemes = document["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    for path, method, operation in operations(document):
        doors = path == "/api/v1/token" or path.startswith(("/health", "/badges", "/hooks"))
        public = doors or "/v2/health/" in path
        assert ({"token": []} in operation.get("security", [])) is not public, (path, method)
