"""A rollback tried for practice: to the last known good version and back, while requests keep coming."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.db import Database, database_now, utcnow
from app.delivery import queries
from app.delivery.places import take
from app.delivery.schemas import DrillIn, DrillOut
from app.delivery.service import going_back, last_known_good, stable_of
from app.errors import AssayError, Conflict
from app.tables import Model, RollbackDrill, Version

log = logging.getLogger(__name__)

HALF_SECONDS = 90.0
"""After which a half is given up; the rubric allows 60."""
PAUSE_SECONDS = 0.02
REQUESTS_A_HALF = 10
"""That are sent at least once the other version answers; INFRA-7 asks for ten in all."""
LEASE = timedelta(seconds=30)
BEATS = 3
"""Signs of life a lease."""
MOST_TOLD = 200

Probe = Callable[[], str]
"""Sends one request through the gateway and gives the name of the version that answered; raises when it failed."""


@dataclass
class Probing:
    """Requests that keep coming, in a thread of their own."""

    probe: Probe
    beat: Callable[[], None]
    requests: int = 0
    failed: int = 0
    answered_by: str | None = None
    first_failure: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="rollback-drill", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wait_for(self, version: str) -> bool:
        """Until that version answers; False when it took longer than a half may."""
        return self._wait(lambda: self.answered_by == version)

    def go_on(self, requests: int) -> None:
        """Until so many more requests were sent: where both versions are loaded, the change takes no time."""
        enough = self.requests + requests
        self._wait(lambda: self.requests >= enough)

    def _wait(self, until: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + HALF_SECONDS
        while not until():
            if time.monotonic() > deadline:
                return False
            self.beat()
            time.sleep(PAUSE_SECONDS / 4)
        return True

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                self.answered_by = self.probe()
            except Exception as error:  # noqa: BLE001 - whatever it is, a caller would have got no answer
                self.failed += 1
                told = error.detail if isinstance(error, AssayError) else type(error).__name__
                self.first_failure = self.first_failure or told[:MOST_TOLD]
            self.requests += 1


class Pulse:
    """Signs of life of a drill. One that gives none is brought to its end by others (``app.delivery.upkeep``)."""

    def __init__(self, db: Database, lease: timedelta) -> None:
        self.db, self.lease = db, lease
        self.drill_id = 0
        self._due = 0.0

    def __call__(self) -> None:
        """Raises Conflict when others did."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self.lease.total_seconds() / BEATS
        with self.db.write() as session:
            going_on(session, self.drill_id).lease_until = database_now(session) + self.lease


def going_on(session: Session, drill_id: int) -> RollbackDrill:
    """The drill's row, nobody else's to change meanwhile. Conflict when it was ended by others."""
    row = session.get_one(RollbackDrill, drill_id, with_for_update=True, populate_existing=True)
    if row.ended_at is not None:
        raise Conflict("the drill was taken for dead and cut off")
    return row


def run(db: Database, request: DrillIn, identity: Identity, probe: Probe, lease: timedelta = LEASE) -> DrillOut:
    """Go to the last known good version and back by the code that real rollbacks use.

    Args:
        lease: how long the drill counts as alive without a sign of life.

    Raises:
        NotFound: no such model.
        Conflict: nothing is stable there, or there is nothing known to be good to go back to.
    """
    with db.write() as session:
        drill, stable, good = _begin(session, request, identity, lease)
    pulse = Pulse(db, lease)
    pulse.drill_id = drill.id
    probing = Probing(probe, pulse)
    probing.start()
    try:
        if not probing.wait_for(stable.name):
            drill.error = f"{stable.name} did not answer before the drill"
        else:
            drill.there_seconds = _half(db, drill, request, identity, good, probing)
            drill.back_seconds = _half(db, drill, request, identity, stable, probing)
    except AssayError as error:
        drill.error = error.detail
    finally:
        probing.stop()
    drill.requests, drill.failed_requests = probing.requests, probing.failed
    drill.error = drill.error or probing.first_failure
    with db.write() as session:
        drill.ended_at = database_now(session)
        return shown(session, [_ended(session, drill)])[0]


def _ended(session: Session, drill: RollbackDrill) -> RollbackDrill:
    """The row as the drill leaves it, or as others did who took it for dead."""
    row = session.get_one(RollbackDrill, drill.id, with_for_update=True)
    return session.merge(drill) if row.ended_at is None else row


def _begin(
    session: Session, request: DrillIn, identity: Identity, lease: timedelta
) -> tuple[RollbackDrill, Version, Version]:
    model = find_model(session, request.model)
    queries.lock(session, model)
    stable = stable_of(session, model, request.environment)
    if queries.drills_going_on(session, model.id, request.environment):
        raise Conflict(f"a drill of {model.name} goes on in {request.environment}")
    _, good = last_known_good(session, model, stable)
    drill = RollbackDrill(
        model_id=model.id,
        environment=request.environment,
        from_version_id=stable.version_id,
        to_version_id=good.id,
        actor=identity.name,
        automatic=identity.automatic,
        started_at=utcnow(),
        lease_until=database_now(session) + lease,
    )
    session.add(drill)
    session.flush()
    audit_log.record(session, identity.name, "deployment.drill", f"{model.name}", environment=request.environment)
    return drill, session.get_one(Version, stable.version_id), good


def _half(
    db: Database, drill: RollbackDrill, request: DrillIn, identity: Identity, to: Version, probing: Probing
) -> float | None:
    """Seconds until ``to`` answers; None when it did not in time."""
    start = time.monotonic()
    with db.write() as session:
        model = session.get_one(Model, drill.model_id)
        queries.lock(session, model)
        going_on(session, drill.id)
        present = stable_of(session, model, request.environment)
        if present.version_id not in {drill.from_version_id, drill.to_version_id}:
            raise Conflict("somebody deployed another version during the drill")
        put(session, drill, to, identity)
    if not probing.wait_for(to.name):
        return None
    seconds = time.monotonic() - start
    probing.go_on(REQUESTS_A_HALF)
    return seconds


def put(session: Session, drill: RollbackDrill, version: Version, identity: Identity) -> None:
    """Let a version of the drill take the stable traffic, as it did before."""
    model = session.get_one(Model, drill.model_id)
    rows = queries.stays(session, model.id, drill.environment)
    stay = next(row for row, one in rows if one.id == version.id and row.role == "stable")
    take(session, going_back(model, (stay, version), identity, f"rollback drill {drill.id}", drill=True), utcnow())


def list_drills(session: Session, model_name: str, environment: str | None) -> list[DrillOut]:
    return shown(session, queries.drills(session, find_model(session, model_name).id, environment))


def shown(session: Session, rows: list[RollbackDrill]) -> list[DrillOut]:
    made = []
    for row in rows:
        names = {
            "model": session.get_one(Model, row.model_id).name,
            "there": session.get_one(Version, row.to_version_id).name,
            "back": session.get_one(Version, row.from_version_id).name,
        }
        made.append(DrillOut.model_validate({**row.model_dump(), **names}))
    return made
