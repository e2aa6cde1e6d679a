from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
from sqlmodel import select

from app.tables import Deployment, Version
from tests.delivery import planted


@pytest.fixture
def world(database, settings, identity):
    """Three registered versions, and verbs to decide on and deploy them."""
    made = planted.versions(database, "1.0.0", "1.1.0", "1.2.0")

    def stable(version, environment="production"):
        """The long way into stable traffic: decided twice, canary first."""
        world.decide(version, environment=environment)
        world.deploy(version, "canary", environment)
        world.decide(version, "promote", environment=environment)
        return world.deploy(version, "stable", environment)

    def serving(environment="production"):
        """Version name by role of what serves."""
        with database.read() as session:
            query = select(Deployment.role, Version.name).join(Version).where(Deployment.ended_at.is_(None))
            return dict(session.exec(query.where(Deployment.environment == environment)).all())

    world = SimpleNamespace(
        versions=made,
        decide=partial(planted.decide, database, settings, identity),
        deploy=partial(planted.deploy, database, identity),
        roll_back=partial(planted.roll_back, database, identity),
        stable=stable,
        serving=serving,
    )
    return world
