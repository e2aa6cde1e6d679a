"""How many prediction requests a version got and left unanswered: evidence that predictions alone cannot give."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from app.db import Database, insert_new
from app.monitoring.predictions import Destination
from app.tables import RequestCount


@dataclass(frozen=True)
class Counted:
    """``errors``: requests that kept to the signature and got no answer; among ``requests``."""

    requests: int
    errors: int
    first_at: datetime
    last_at: datetime


def count_requests(db: Database, to: Destination, source: str, counted: Counted) -> None:
    """Store what was counted in one file of the spool; the same ``source`` only once."""
    if not counted.requests:
        return
    place = {"model_id": to.model.id, "version_id": to.version.id, "environment": to.environment, "role": to.role}
    with db.write() as session:
        insert_new(session, RequestCount, {**place, "source": source, **asdict(counted)})
