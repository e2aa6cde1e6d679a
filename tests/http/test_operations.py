"""Health, metrics, request ids, paging."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.errors import Invalid
from app.http.health import MIGRATIONS, newest_revision
from app.main import create_app
from app.paging import PageParams, page_params, paginate
from app.tables import Audit, Decision, Model, Pipeline, Version


@pytest.mark.both_databases
def test_live_needs_no_database(settings, engine_name, tmp_path):
    gone = {"sqlite": "", "postgresql": f"postgresql://nobody@/nothing?host={tmp_path}"}[engine_name]
    nowhere = settings.model_copy(update={"data_dir": tmp_path / "missing", "database_url": gone})
    with TestClient(create_app(nowhere)) as client:
        assert client.get("/health/live").json() == {"status": "live"}
        assert client.get("/health/ready").status_code == 503


@pytest.mark.sqlite_only(reason="asks for the journal of SQLite")
def test_ready_tells_the_schema_and_the_journal(client, database):
    answer = client(None).get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["schema_revision"] == newest_revision(MIGRATIONS)
    with database.read() as session:
        mode = session.connection().exec_driver_sql("PRAGMA journal_mode").scalar_one()
    assert (answer.json()["notes"] == []) is (mode == "wal")


def test_an_older_schema_is_not_ready(client, database):
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    answer = client(None).get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_the_newest_revision_is_alembic_s(tmp_path):
    from alembic.script import ScriptDirectory

    assert newest_revision(MIGRATIONS) == ScriptDirectory(str(MIGRATIONS.parent)).get_current_head()


def test_the_newest_of_several_revisions(tmp_path):
    assert newest_revision(tmp_path / "none") is None
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "a.py").write_text("revision: str = 'a1'\ndown_revision: str | None = None\n")
    (folder / "b.py").write_text('revision = "b2"\ndown_revision = "a1"\n')
    (folder / "c.py").write_text(
        "revision: str = 'c3'\ndown_revision: Union[str, None] = 'b2'\nbranch_labels = None\n"
    )
    assert newest_revision(folder) == "c3"


# --- metrics ------------------------------------------------------------------------------------


def sample(text, name):
    match = re.search(rf"^{re.escape(name)} ([0-9.e+-]+)$", text, re.MULTILINE)
    return float(match[1]) if match else None


def test_requests_are_counted_by_template(client):
    viewer = client("viewer")
    for name in ("a", "b", "c"):
        viewer.get(f"/api/v1/models/{name}")
    viewer.get("/api/v1/models/a/nothing")
    viewer.request("BREW", "/coffee")
    text = viewer.get("/metrics").text
    labels = 'method="GET",route="/api/v1/models/{model}"'
    assert sample(text, f'assay_http_requests_total{{{labels},status="404"}}') == 3
    assert sample(text, f"assay_http_request_seconds_count{{{labels}}}") == 3
    assert sample(text, 'assay_http_requests_total{method="GET",route="unmatched",status="404"}') == 1
    assert sample(text, 'assay_http_requests_total{method="OTHER",route="unmatched",status="404"}') == 1
    assert "BREW" not in text


def test_two_applications_do_not_mix_their_counts(settings, client):
    client(None).get("/health/live")
    other = create_app(settings)
    assert b"/health/live" not in other.state.metrics.registry.collect().__repr__().encode()
    with other.state.db.read() as session:
        assert b"/health/live" not in other.state.metrics.render(session)


def test_audits_and_decisions_are_counted_in_the_database(client, database):
    with database.write() as session:
        model = Model(
            name="m", owner="o", purpose="p", users="u", problem_type="productivity", task="binary",
            risk_tier="low", business_metric={}, created_by="tests",
        )  # fmt: skip
        session.add(model)
        session.flush()
        version = Version(
            model_id=model.id, name="1", manifest={}, files={}, content_digest="d", change_reason="initial",
            created_by="tests",
        )  # fmt: skip
        session.add(version)
        session.flush()
        ids = {"model_id": model.id, "version_id": version.id, "actor": "a"}
        for status in ("queued", "queued", "failed"):
            session.add(Audit(**ids, checks=[], trigger="ci", automatic=True, status=status, progress={}))
        session.add(Decision(**ids, environment="e", stage="admit", status="pass", body={}, inputs={}))
    viewer = client("viewer")
    text = viewer.get("/metrics").text
    assert sample(text, 'assay_audits{status="queued"}') == 2
    assert sample(text, 'assay_audits{status="failed"}') == 1
    assert sample(text, 'assay_gate_decisions{status="pass"}') == 1
    with database.write() as session:
        for audit in session.exec(select(Audit)):
            audit.status = "succeeded"
    text = viewer.get("/metrics").text
    assert sample(text, 'assay_audits{status="succeeded"}') == 3
    assert sample(text, 'assay_audits{status="queued"}') is None


# --- request ids --------------------------------------------------------------------------------


@pytest.mark.parametrize("sane", ["abc", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_kept(client, sane):
    assert client(None).get("/health/live", headers={"X-Request-Id": sane}).headers["x-request-id"] == sane


@pytest.mark.parametrize("other", ["", "x" * 65, "a b", 'a"b', "a;b", "a/b", "ä".encode("latin-1"), "a\tb"])
def test_any_other_is_replaced(client, other):
    given = client(None).get("/health/live", headers={"X-Request-Id": other}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)


# --- paging -------------------------------------------------------------------------------------


@pytest.fixture
def pipelines(database):
    with database.write() as session:
        for number in range(7):
            session.add(Pipeline(name=f"p{number}"))


def test_pages_are_newest_first_without_gaps_even_while_rows_arrive(database, pipelines):
    seen, params = [], PageParams(limit=3)
    for number in range(3):
        with database.write() as session:
            rows, cursor = paginate(session, select(Pipeline), Pipeline.id, params)
            session.add(Pipeline(name=f"new{number}"))
        seen += [row.name for row in rows]
        params = page_params(3, cursor)
    assert seen == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]
    assert cursor is None


def test_a_page_that_is_exactly_full_is_the_last(database, pipelines):
    with database.read() as session:
        rows, cursor = paginate(session, select(Pipeline), Pipeline.id, PageParams(limit=7))
        assert (len(rows), cursor) == (7, None)
        rows, cursor = paginate(session, select(Pipeline), Pipeline.id, PageParams(limit=6))
        assert (len(rows), cursor is None) == (6, False)


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "LTE", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", "MQ==\n", "é", "²", "wrI"]
)
def test_a_cursor_that_is_not_ours(cursor):
    with pytest.raises(Invalid):
        page_params(50, cursor)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=%F0%9F", "cursor=" + "M" * 65])
def test_nonsense_in_the_query_is_a_422(client, query):
    answer = client("admin").get(f"/api/v1/tokens?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] in {"query.limit", "query.cursor"}


def test_tokens_are_listed_page_by_page(client, secret):
    admin = client("admin")
    for _ in range(4):
        secret("viewer")
    first = admin.get("/api/v1/tokens?limit=3").json()
    second = admin.get("/api/v1/tokens", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    ids = [token["id"] for token in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    assert second["next_cursor"] is None
