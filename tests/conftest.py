"""Real things for every test: a database built by migration, a blob store, the whole application.

Tests run on SQLite, those marked ``both_databases`` on PostgreSQL too. With ``ASSAY_TEST_DATABASE=postgresql`` all
run on that, except for those marked ``sqlite_only(reason)``.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.access.identity import ROLE_SCOPES, Identity
from app.access.service import create_token
from app.config import Settings
from app.db import Database
from app.evidence.blobs import BlobStore
from app.gate.policies import install_defaults
from app.log import Stdout
from app.migrate import upgrade
from tests.postgres import Postgres

ENGINES = ("sqlite", "postgresql")
ENGINE = os.environ.get("ASSAY_TEST_DATABASE", "sqlite")


def pytest_generate_tests(metafunc):
    marked = metafunc.definition.get_closest_marker
    wanted = marked("both_databases") and not marked("sqlite_only")
    if wanted and ENGINE == "sqlite" and "engine_name" in metafunc.fixturenames:
        metafunc.parametrize("engine_name", ENGINES, indirect=True)


def pytest_runtest_setup(item):
    mark = item.get_closest_marker("sqlite_only")
    if mark and ENGINE != "sqlite":
        pytest.skip(mark.kwargs["reason"])


@pytest.fixture(autouse=True)
def _own_output():
    """An application that an earlier test started does not log into what this one prints."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, Stdout)]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, started when the first test asks for it."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def engine_name(request) -> str:
    """The kind of database that the test runs on."""
    return getattr(request, "param", ENGINE)


@pytest.fixture(scope="session")
def postgres_template(postgres, tmp_path_factory) -> str:
    """The name of a database at the newest schema, to be copied."""
    postgres.create("assay_template")
    url = postgres.url("assay_template")
    _migrate(Settings(data_dir=tmp_path_factory.mktemp("template"), database_url=url))
    return "assay_template"


@pytest.fixture
def empty_database(engine_name, request, monkeypatch):
    """The URL of a database without tables, "" for SQLite; child processes find it in their environment."""
    yield from _made(engine_name, request, monkeypatch, "template0")


@pytest.fixture
def migrated_database(engine_name, request, monkeypatch):
    """The same at the newest schema; of SQLite's, ``settings`` puts the file in place."""
    template = "" if engine_name == "sqlite" else request.getfixturevalue("postgres_template")
    yield from _made(engine_name, request, monkeypatch, template)


def _made(engine_name, request, monkeypatch, template):
    if engine_name == "sqlite":
        yield ""
        return
    with request.getfixturevalue("postgres").database(template) as url:
        monkeypatch.setenv("ASSAY_DATABASE_URL", url)
        yield url


@pytest.fixture(scope="session")
def elsewhere(request):
    """``with elsewhere(folder) as settings:`` an empty database that lives longer than a test."""

    @contextmanager
    def make(folder: Path):
        if ENGINE == "sqlite":
            yield Settings(data_dir=folder)
            return
        with request.getfixturevalue("postgres").database() as url:
            yield Settings(data_dir=folder, database_url=url)

    return make


def _migrate(settings: Settings) -> None:
    upgrade(settings)
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        install_defaults(session)
    database.dispose()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """An SQLite file at the newest schema, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    _migrate(Settings(data_dir=folder))
    return folder / "assay.sqlite3"


@pytest.fixture
def settings(tmp_path, migrated_database, request) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    if not migrated_database:
        shutil.copy(request.getfixturevalue("migrated"), folder / "assay.sqlite3")
    return Settings(
        data_dir=folder,
        database_url=migrated_database,
        allowed_hosts=["testserver", "127.0.0.1"],
        poll_seconds=0.05,
        requests_per_second=0,  # tests ask in bursts; tests/http/test_rates.py sets limits of its own
        strangers_per_second=0,
        engines_dir=folder / "engines",  # empty: an audit of a test need not wait for deepchecks
    )


@pytest.fixture
def database(settings):
    database = Database(settings.sqlalchemy_url)
    yield database
    database.dispose()


@pytest.fixture
def blobs(settings) -> BlobStore:
    return BlobStore(settings.blob_dir)


@pytest.fixture
def identity():
    """``identity("ci")``: somebody with that role, as services see them."""
    return lambda role="ci": Identity(f"test-{role}", role, ROLE_SCOPES[role])


@pytest.fixture
def app(settings):
    from app.main import create_app

    return create_app(settings)


@pytest.fixture
def secret(database):
    """``secret("ci")``: a fresh token of that role."""

    def make(role: str = "ci") -> str:
        with database.write() as session:
            _, token = create_token(session, name=f"test-{role}", role=role, created_by="tests")
        return token

    return make


@pytest.fixture
def client(app, secret):
    """``client("ci")``: a client whose requests carry a token of that role; ``client(None)`` sends none."""
    opened = []

    def make(role: str | None = "ci") -> TestClient:
        headers = {"Authorization": f"Bearer {secret(role)}"} if role else {}
        test_client = TestClient(app, headers=headers)
        test_client.__enter__()
        opened.append(test_client)
        return test_client

    yield make
    for test_client in opened:
        test_client.__exit__(None, None, None)


@pytest.fixture
def work(settings):
    """``work()``: carry out everything that is queued, with real child processes, then return."""
    from app.worker import run

    return lambda: run(settings, stop=threading.Event(), once=True)
