"""A registered model whose predictions are logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.engines.prediction_log import Row
from app.monitoring.predictions import Destination
from tests.audits.conftest import plant

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def planted(database):
    with database.write() as session:
        return plant(session)


@pytest.fixture
def destination(planted):
    """``destination(role="canary")``: production, stable and pushed, unless told otherwise."""
    model, version = planted

    def make(**changes) -> Destination:
        given = {"environment": "production", "role": "stable", "source": "push", "actor": "ci"} | changes
        return Destination(**{"model": model, "version": version} | given)

    return make


def rows(count: int, start: int = 0, **changes) -> list[Row]:
    """``count`` predictions, one a minute from ``START``; ids and values follow from their number."""
    return [
        Row(
            **{
                "id": f"p{i:06d}",
                "at": START + timedelta(minutes=i),
                "features": {"mean radius": 10 + i % 10, "mean texture": 15.5},
                "prediction": i % 2,
                "score": (i % 100) / 100,
                "latency_ms": 1.5,
            }
            | changes
        )
        for i in range(start, start + count)
    ]
