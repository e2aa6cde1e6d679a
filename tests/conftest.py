"""Real things for every test: a database built by migration, a blob store, the whole application."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.access.identity import ROLE_SCOPES, Identity
from app.access.service import create_token
from app.config import Settings
from app.db import Database
from app.evidence.blobs import BlobStore
from app.gate.policies import install_defaults
from app.migrate import upgrade


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """A database file at the newest schema, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    settings = Settings(data_dir=folder)
    upgrade(settings)
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        install_defaults(session)
    database.dispose()
    return folder / "assay.sqlite3"


@pytest.fixture
def settings(tmp_path, migrated) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated, folder / "assay.sqlite3")
    return Settings(data_dir=folder, allowed_hosts=["testserver", "127.0.0.1"], poll_seconds=0.05)


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
