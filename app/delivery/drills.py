"""A rollback tried for practice: to the last known good version and back, while requests keep coming."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.db import Database, utcnow
from app.delivery import queries
from app.delivery.places import take
from app.delivery.schemas import DrillIn, DrillOut
from app.delivery.service import going_back, last_known_good, stable_of
from app.errors import AssayError, Conflict
from app.tables import Deployment, Model, RollbackDrill, Version

log = logging.getLogger(__name__)

HALF_SECONDS = 90.0
"""After which a half is given up; the rubric allows 60."""
PAUSE_SECONDS = 0.02
MOST_TOLD = 200

Probe = Callable[[], str]
"""Sends one request through the gateway and gives the name of the version that answered; raises when it failed."""


@dataclass
class Probing:
    """Requests that keep coming, in a thread of their own."""

    probe: Probe
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
        deadline = time.monotonic() + HALF_SECONDS
        while self.answered_by != version:
            if time.monotonic() > deadline:
                return False
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


def run(db: Database, request: DrillIn, identity: Identity, probe: Probe) -> DrillOut:
    """Go to the last known good version and back by the code that real rollbacks use.

    Raises:
        NotFound: no such model.
        Conflict: nothing is stable there, or there is nothing known to be good to go back to.
    """
    with db.write() as session:
        drill, stable, good = _begin(session, request, identity)
    probing = Probing(probe)
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
        session.add(session.merge(drill))
        return shown(session, [drill])[0]


def _begin(session: Session, request: DrillIn, identity: Identity) -> tuple[RollbackDrill, Version, Version]:
    model = find_model(session, request.model)
    queries.lock(session, model)
    stable = stable_of(session, model, request.environment)
    _, good = last_known_good(session, model, stable)
    drill = RollbackDrill(
        model_id=model.id,
        environment=request.environment,
        from_version_id=stable.version_id,
        to_version_id=good.id,
        actor=identity.name,
        automatic=identity.automatic,
        started_at=utcnow(),
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
        present = stable_of(session, model, request.environment)
        if present.version_id not in {drill.from_version_id, drill.to_version_id}:
            raise Conflict("somebody deployed another version during the drill")
        stay = _stay_of(session, model, request.environment, to)
        take(session, going_back(model, (stay, to), identity, f"rollback drill {drill.id}", drill=True), utcnow())
    return time.monotonic() - start if probing.wait_for(to.name) else None


def _stay_of(session: Session, model: Model, environment: str, version: Version) -> Deployment:
    rows = queries.stays(session, model.id, environment)
    return next(row for row, one in rows if one.id == version.id and row.role == "stable")


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
