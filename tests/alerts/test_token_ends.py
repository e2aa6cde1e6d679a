"""A token that ends soon is told of, once, and only while somebody has to do something."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import rotation, service
from app.alerts.token_ends import look_after
from app.db import utcnow
from app.tables import Alert, Token

pytestmark = pytest.mark.both_databases


@pytest.fixture
def token(database):
    """``token(days, of)``: the id of one that was made for ``of`` days and has ``days`` left."""

    def make(days, of=90, **changes):
        with database.write() as session:
            row, _ = service.create_token(session, name="robot", role="ci", created_by="tests")
            row.expires_at = utcnow() + timedelta(days=days)
            row.created_at = row.expires_at - timedelta(days=of)
            return row.sqlmodel_update(changes).id

    return make


@pytest.fixture
def told(database, settings):
    def read():
        look_after(database, settings)
        with database.read() as session:
            return [one.body["token"] for one in session.exec(select(Alert).order_by(Alert.id))]

    return read


def test_it_is_told_once_with_what_to_do(token, told, database, subscribe, deliveries):
    everything = subscribe()
    soon = token(13)
    assert told() == [soon] == told()
    with database.read() as session:
        alert = session.exec(select(Alert)).one()
    assert (alert.event, alert.model_id, alert.severity) == ("token.ends_soon", None, "warning")
    assert alert.title.startswith(f"The token robot ({soon}) ends on ")
    assert alert.body["lines"][0] == "It was never used."
    assert f"assay token rotate {soon}" in alert.body["lines"][1]
    assert [one.subscription_id for one in deliveries()] == [everything]


@pytest.mark.parametrize(
    ("days", "of", "changes"),
    [(15, 90, {}), (-1, 90, {}), (13, 14, {}), (13, 90, {"revoked_at": utcnow()}), (13, 90, {"kind": "session"})],
)
def test_what_needs_nobody_is_not_told(token, told, days, of, changes):
    token(days, of, **changes)
    assert told() == []


def test_one_that_was_rotated_is_not_told_and_what_replaced_it_is_in_its_time(token, told, database):
    with database.write() as session:
        new, _ = rotation.rotate(session, token(13), "eve", overlap=timedelta(days=7))
    assert told() == []
    with database.write() as session:
        row = session.get_one(Token, new.id)
        row.created_at, row.expires_at = utcnow() - timedelta(days=80), utcnow() + timedelta(days=10)
    assert told() == [new.id]
