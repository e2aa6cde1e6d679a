"""What sessions promise, on both engines."""

import pytest

from app.db import utcnow
from app.tables import Lease

pytestmark = pytest.mark.both_databases


def test_the_marker_chooses_the_engine(database, engine_name):
    assert database.engine.dialect.name == engine_name


def test_moments_come_back_as_they_went_in(database):
    now = utcnow()
    with database.write() as session:
        session.add(Lease(name="a", holder="b", until=now))
    with database.read() as session:
        assert session.get(Lease, "a").until == now
        assert session.get(Lease, "a").until.utcoffset().total_seconds() == 0
