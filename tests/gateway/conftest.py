"""One application for a module's tests: starting a model's process takes seconds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from app.access.service import create_token
from app.catalog.queries import find_version
from app.db import utcnow
from app.delivery.places import Place, take
from app.main import create_app
from app.server import prepare
from app.tables import Blob, Version
from tests.catalog import releases
from tests.gate import planted


def deploy(database, model_name: str, version: str, role: str = "stable", environment: str = "production"):
    """Whatever the gate would say."""
    with database.write() as session:
        model, row = find_version(session, model_name, version)
        place = Place(model, row, environment, role, "promote", "break_glass", "tests", "a test")
        return take(session, place, utcnow())


def plant(database, blobs, folder, model_name: str, *versions: str, **changes) -> None:
    """Versions of a real logistic regression of two features, as registration leaves them."""
    made, files = releases.with_skops(folder, **{"model__name": model_name, **changes})
    made.pop("evidence", None)
    with database.write() as session:
        model = planted.model(session, model_name)
        stored = blobs.put_bytes(files["artifact"].read_bytes())
        if session.get(Blob, stored.digest) is None:
            session.add(Blob(digest=stored.digest, size=stored.size))
        for name in versions:
            manifest = {**made, "version": {**made["version"], "name": name}}
            session.add(
                Version(
                    model_id=model.id,
                    name=name,
                    manifest=manifest,
                    files={"artifact": stored.digest},
                    content_digest=stored.digest,
                    artifact_digest=stored.digest,
                    artifact_format="skops",
                    model_class="LogisticRegression",
                    change_reason="initial",
                    created_by="tests",
                )
            )


@pytest.fixture(scope="module")
def house(elsewhere, tmp_path_factory):
    with elsewhere(tmp_path_factory.mktemp("house")) as settings:
        prepare(settings)
        changes = {"allowed_hosts": ["testserver"], "prediction_seconds": 60}
        yield from _house(settings.model_copy(update=changes), tmp_path_factory)


def _house(settings, tmp_path_factory):
    app = create_app(settings)
    database, blobs = app.state.db, app.state.blobs
    with database.write() as session:
        tokens = {
            role: create_token(session, name=role, role=role, created_by="x")[1] for role in ("client", "viewer")
        }
    headers = {role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}
    with TestClient(app, headers=headers["client"]) as caller:
        yield SimpleNamespace(
            app=app,
            gateway=app.state.gateway,
            settings=settings,
            database=database,
            blobs=blobs,
            caller=caller,
            headers=headers,
            plant=lambda *names, **changes: plant(database, blobs, tmp_path_factory.mktemp("m"), *names, **changes),
            put=lambda *place: deploy(database, *place),
        )
