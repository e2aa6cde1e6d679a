"""What serves, and its answers: found, asked, logged, and only then given."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from app.catalog.declaration import declaration_of
from app.catalog.manifest import Manifest
from app.catalog.organisation import organisation_policy
from app.catalog.queries import find_model
from app.config import Settings
from app.db import Database, utcnow
from app.delivery import queries
from app.delivery.upkeep import look_after
from app.errors import AssayError, Conflict, Invalid, NotFound, Unavailable, nearest
from app.evidence.blobs import BlobStore
from app.gateway.keeper import Keeper
from app.gateway.schemas import AnswerParameters, InferIn, InferOut
from app.gateway.served import Served, ids_of, lines_of, persons_of, place_of
from app.gateway.spool import Spool
from app.serving.runner import Runner
from app.serving.tensors import Columns, columns_of, tensors_of
from app.tables import Deployment, Version

log = logging.getLogger(__name__)

Count = Callable[[str, str, str, str, float], None]
"""Is told of each request to a version: model, environment, role, outcome (answered, refused, failed), seconds."""

IDLE_SECONDS = 30.0
"""A model that is deployed nowhere any more ends when nobody has asked it for so long."""
SHADOW_QUEUE = 100
"""Copies for the shadow that may wait; further ones are left out, and said in the log."""


class Gateway:
    """Finds the version that answers, asks its process, logs before it answers."""

    def __init__(self, db: Database, blobs: BlobStore, settings: Settings, count: Count) -> None:
        self._db, self._blobs, self._settings, self._count = db, blobs, settings, count
        self._runners: dict[int, Runner] = {}
        self._changing = threading.Lock()
        self._spool = Spool(settings.spool_dir, strict=settings.prediction_log == "strict")
        self.keeper = Keeper(db, blobs, self._spool, self._keep_house)
        self._shadows = ThreadPoolExecutor(1, "gateway-shadow")
        self._copies = threading.BoundedSemaphore(SHADOW_QUEUE)

    def start(self) -> None:
        self.keeper.start()

    def stop(self) -> None:
        """End every model's process; store what is logged."""
        self._shadows.shutdown(cancel_futures=True)
        self.keeper.stop()
        with self._changing:
            for runner in self._runners.values():
                runner.close()
            self._runners.clear()

    # --- who answers ------------------------------------------------------------------------------

    def find(self, db: Database, name: str, environment: str, version: str | None = None) -> Served:
        """The version that answers: the stable one, else the canary; or the one that is named, whatever its role.

        Args:
            db: as whoever asks sees it.

        Raises:
            NotFound: no such model, or nothing of it serves there; says where it does.
            Conflict: it was registered as predictions only.
        """
        with db.read() as session:
            model = find_model(session, name)
            rows = queries.serving(session, model.id)
            versions = {row.version_id: session.get_one(Version, row.version_id) for row in rows}
        here = [row for row in rows if row.environment == environment]
        chosen = _chosen(here, versions, version)
        if chosen is None:
            raise NotFound(self._not_here(name, environment, version, rows, versions))
        served = _served(name, chosen, versions)
        copied = next((row for row in here if row.role == "shadow" and version is None), None)
        shadow = _served(name, copied, versions) if copied and copied is not chosen else None
        return Served(
            name, environment, served.role, served.version, served.manifest, shadow if version is None else None
        )

    def _not_here(
        self,
        name: str,
        environment: str,
        version: str | None,
        rows: Sequence[Deployment],
        versions: dict[int, Version],
    ) -> str:
        here = [versions[row.version_id].name for row in rows if row.environment == environment]
        if version is not None and here:
            near = nearest(version, here)
            return f"{name} {version} does not serve in {environment}{near}; there are {', '.join(sorted(here))}"
        elsewhere = sorted({row.environment for row in rows})
        if not elsewhere:
            return f"no version of {name} serves anywhere: assay deploy {name}@VERSION --environment {environment}"
        url = f"{self._settings.public_url}/environments/{elsewhere[0]}/v2/models/{name}"
        return f"{name} does not serve in {environment}, but in {', '.join(elsewhere)}: {url}"

    def runner(self, served: Served) -> Runner:
        version = served.version
        with self._changing:
            if version.id not in self._runners:
                if version.artifact_digest is None:
                    raise Conflict(f"{served.model} {version.name} is registered as predictions only")
                model = {
                    "path": str(self._blobs.path(version.artifact_digest)),
                    "format": version.artifact_format,
                    "manifest": version.manifest,
                    "model_class": version.model_class,
                    "masked": self._masked(served),
                }
                self._runners[version.id] = Runner(model, self._settings)
            return self._runners[version.id]

    def _masked(self, served: Served) -> bool:
        with self._db.read() as session:
            policy = organisation_policy(session)
        return bool(declaration_of(served.manifest, served.version.model_class, policy).masked)

    def _keep_house(self) -> None:
        self.retire()
        look_after(self._db)

    def retire(self) -> None:
        """End the processes of what is deployed no more and was not asked lately."""
        before = time.monotonic() - IDLE_SECONDS
        with self._changing:
            idle = {key for key, runner in self._runners.items() if runner.last_used < before}
        if not idle:
            return
        with self._db.read() as session:
            kept = queries.versions_serving(session, idle)
        for key in idle - kept:
            with self._changing:
                runner = self._runners.pop(key)
            runner.close()

    # --- answers ----------------------------------------------------------------------------------

    def infer(self, served: Served, request: InferIn) -> InferOut:
        """``answer``, and count what came of it."""
        start, outcome = time.perf_counter(), "failed"
        try:
            answer = self.answer(served, request)
        except Invalid:
            outcome = "refused"
            raise
        else:
            outcome = "answered"
            return answer
        finally:
            seconds = time.perf_counter() - start
            self._count(served.model, served.environment, served.role, outcome, seconds)

    def answer(self, served: Served, request: InferIn, *, logged: bool = True) -> InferOut:
        """Predict. What is logged is so before this returns.

        Args:
            logged: False for probes of a rollback drill, which are no traffic.

        Raises:
            Invalid: the inputs are not of the signature; names row and column.
            Unavailable: the model's process was lost or is busy, or the log cannot be written.
        """
        start, at = time.perf_counter(), utcnow()
        columns, rows = columns_of(request.inputs, served.manifest.features, self._settings.prediction_rows)
        ids, persons = ids_of(request, rows), persons_of(request, served.manifest, rows)
        runner = self.runner(served)
        try:
            answer = runner.predict(columns)
        except AssayError as error:
            if logged:
                self._note_failure(served, at, error)
            raise
        latency = (time.perf_counter() - start) * 1000
        if logged:
            logged_columns = columns | persons
            self._spool.append(lines_of(served, ids, at, logged_columns, answer, latency))
            if served.shadow is not None:
                self._copy(served.shadow, ids, at, columns, persons)
        return InferOut(
            model_name=served.model,
            model_version=served.version.name,
            id=request.id or ids[0],
            parameters=AnswerParameters(environment=served.environment, role=served.role, ids=ids),
            outputs=tensors_of(answer),
        )

    def _note_failure(self, served: Served, at: datetime, error: AssayError) -> None:
        """Count a request of the signature that gets no answer, whoever is to blame."""
        with suppress(Unavailable):  # that the log cannot be written is told to those who would get an answer
            self._spool.append([{**place_of(served), "at": at.isoformat(), "request": True, "failed": error.slug}])

    def _copy(self, shadow: Served, ids: Sequence[str], at: datetime, columns: Columns, persons: Columns) -> None:
        """Let the shadow answer too, after the answer was given; whatever happens to it harms nobody."""
        if not self._copies.acquire(blocking=False):
            log.warning(
                "the shadow cannot keep up: a copy was left out", extra={"assay.version": shadow.version.name}
            )
            return
        self._shadows.submit(self._answer_copy, shadow, ids, at, columns, persons)

    def _answer_copy(
        self, shadow: Served, ids: Sequence[str], at: datetime, columns: Columns, persons: Columns
    ) -> None:
        try:
            start = time.perf_counter()
            answer = self.runner(shadow).predict(columns)
            latency = (time.perf_counter() - start) * 1000
            self._spool.append(lines_of(shadow, ids, at, columns | persons, answer, latency))
        except Exception as error:
            log.exception("the shadow gave no answer", extra={"assay.version": shadow.version.name})
            if isinstance(error, AssayError):
                self._note_failure(shadow, at, error)
        finally:
            self._copies.release()


def _chosen(here: Sequence[Deployment], versions: dict[int, Version], version: str | None) -> Deployment | None:
    if version is not None:
        return next((row for row in here if versions[row.version_id].name == version), None)
    by_role = {row.role: row for row in here}
    return by_role.get("stable") or by_role.get("canary")


def _served(name: str, row: Deployment, versions: dict[int, Version]) -> Served:
    version = versions[row.version_id]
    return Served(name, row.environment, row.role, version, Manifest.model_validate(version.manifest))
