"""The HTTP API as a Python object, for pipelines and for Assay's own command line. Light to import.

>>> from app.client import Assay
>>> decision = Assay().evaluate("credit-default", "1.1.0", environment="production", wait=600)
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from app.client_alerts import Alerts
from app.client_traffic import Traffic

DEFAULT_URL = "http://127.0.0.1:8321"
POLL_SECONDS = 0.5
CHUNK = 1024 * 1024

Body = dict[str, Any]


class ServiceError(Exception):
    """The service could not be reached, or failed; whatever was asked is not answered."""


class Problem(Exception):
    """The service refused: ``status`` is the HTTP status, ``body`` the problem+json document."""

    def __init__(self, status: int, body: Body) -> None:
        self.status = status
        self.body = body
        super().__init__(body.get("detail") or body.get("title") or f"HTTP {status}")


class Assay(Alerts, Traffic):
    """A connection to one service.

    Args:
        url: the service's address; by default the environment's ``ASSAY_URL``, else the local one.
        token: by default ``ASSAY_TOKEN``.
        timeout: seconds for one answer; registration reads uploaded files and takes the longest.
    """

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float = 120) -> None:
        url = url or os.environ.get("ASSAY_URL") or DEFAULT_URL
        token = token or os.environ.get("ASSAY_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        self._http = httpx2.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    # --- catalog and evidence ---------------------------------------------------------------------

    def upload(self, path: Path) -> str:
        """Upload a file unless the service has it; returns its sha256 (hex)."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self._send("HEAD", f"blobs/{digest}", allow=(404,)).status_code == httpx2.codes.NOT_FOUND:
            with path.open("rb") as file:
                self._send("PUT", f"blobs/{digest}", content=iter(lambda: file.read(CHUNK), b""))
        return digest

    def register(
        self, manifest: Mapping[str, Any], files: Mapping[str, Path], evidence: Sequence[tuple[str, Path]] = ()
    ) -> Body:
        """Register a version: upload what ``manifest`` names, then send it.

        Args:
            manifest: assay.yaml as a mapping (``app.catalog.manifest.parse`` reads and checks the file).
            files: local files by part: artifact, train, test, reference.
            evidence: (kind, file) pairs that are handed in with it.

        Returns:
            ``{created, version, scorecard_url}``.
        """
        commit = manifest["version"].get("commit")
        uploaded = {part: {"digest": self.upload(path), "filename": path.name} for part, path in files.items()}
        handed_in = [_evidence(kind, path, self.upload(path), commit) for kind, path in evidence]
        body = {"manifest": dict(manifest), "files": uploaded, "evidence": handed_in}
        return self._json("POST", "registrations", json=body)

    def push_evidence(self, model: str, version: str, kind: str, path: Path, commit: str | None = None) -> Body:
        """Upload a file and hand it in for a version, as made from ``commit``."""
        body = _evidence(kind, path, self.upload(path), commit)
        return self._json("POST", f"models/{model}/versions/{version}/evidence", json=body)

    def attest(self, model: str, version: str, attestation: Mapping[str, Any]) -> Body:
        """Attest a manual test; see ``AttestationIn`` for the fields."""
        return self._json("POST", f"models/{model}/versions/{version}/attestations", json=dict(attestation))

    def models(self) -> list[Body]:
        return self._all("models")

    def version(self, model: str, version: str) -> Body:
        return self._json("GET", f"models/{model}/versions/{version}")

    def newest_version(self, model: str) -> str:
        """The name of the version that was registered last."""
        return str(self._json("GET", f"models/{model}")["newest_version"])

    # --- audits -----------------------------------------------------------------------------------

    def run_audit(
        self,
        model: str,
        version: str,
        *,
        environment: str | None = None,
        checks: list[str] | None = None,
        window: tuple[str | None, str | None] = (None, None),
    ) -> Body:
        """Queue an audit and return it. ``window``: from when to when a test of the system looks (ISO 8601)."""
        asked = {"model": model, "version": version, "environment": environment, "checks": checks}
        asked |= {"window_start": window[0], "window_end": window[1]}
        body = {key: value for key, value in asked.items() if value is not None}
        return self._json("POST", "audits", json=body)

    def audit(self, audit_id: int) -> Body:
        return self._json("GET", f"audits/{audit_id}")

    def audits(self, **filters: str) -> list[Body]:
        """Audits that match ``model``, ``version`` and ``status``, newest first."""
        return self._all("audits", **filters)

    def findings(self, audit_id: int) -> list[Body]:
        return self._all(f"audits/{audit_id}/findings")

    def cancel_audit(self, audit_id: int) -> Body:
        return self._json("POST", f"audits/{audit_id}/cancel")

    def retry_audit(self, audit_id: int) -> Body:
        return self._json("POST", f"audits/{audit_id}/retry")

    def watch_audit(self, audit_id: int, timeout: float = 3600) -> Iterator[Body]:
        """Yield the audit every half second until it has ended or ``timeout`` seconds have passed."""
        deadline = time.monotonic() + timeout
        while True:
            audit = self.audit(audit_id)
            yield audit
            if audit["status"] not in {"queued", "running"} or time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    # --- schedules --------------------------------------------------------------------------------

    def schedules(self, model: str = "") -> list[Body]:
        """All schedules, or those of one model."""
        return self._all("schedules", **({"model": model} if model else {}))

    def put_schedule(self, schedule: Mapping[str, Any]) -> Body:
        """Set a schedule; see ``ScheduleIn`` for the fields."""
        return self._json("PUT", "schedules", json=dict(schedule))

    def change_schedule(self, schedule_id: int, how: str) -> Body:
        """``how``: pause, resume (the schedule is returned) or run (its audit)."""
        return self._json("POST", f"schedules/{schedule_id}/{how}")

    def schedule_slots(self, schedule_id: int) -> list[Body]:
        """The newest 50 slots, newest first."""
        items: list[Body] = self._json("GET", f"schedules/{schedule_id}/slots")["items"]
        return items

    # --- scorecards, gate, policies -----------------------------------------------------------------

    def scorecard(self, model: str, version: str, **parameters: str) -> Body:
        """``parameters``: environment, as_of (ISO 8601)."""
        return self._json("GET", f"models/{model}/versions/{version}/scorecard", params=parameters)

    def evaluate(
        self,
        model: str,
        version: str,
        *,
        environment: str,
        stage: str = "admit",
        dry_run: bool = False,
        wait: float = 0,
    ) -> Body:
        """Ask the gate. While an audit must run first, wait up to ``wait`` seconds for the answer.

        Returns:
            The decision; ``status`` is pass, fail, unknown, or in_progress when the time was not enough.
        """
        asked = {"model": model, "version": version, "environment": environment, "stage": stage, "dry_run": dry_run}
        decision = self._json("POST", "gate/evaluations", json=asked)
        deadline = time.monotonic() + wait
        while decision["status"] == "in_progress" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            decision = self._json("GET", f"gate/evaluations/{decision['id']}")
        return decision

    def policies(self) -> list[Body]:
        return self._all("policies")

    def policy(self, name: str) -> Body:
        return self._json("GET", f"policies/{name}")

    def put_policy(self, name: str, text: str) -> Body:
        return self._json("PUT", f"policies/{name}", json={"text": text})

    # --- delivery -----------------------------------------------------------------------------------

    def deploy(self, model: str, version: str, *, environment: str, role: str = "stable", **more: Any) -> Body:
        """Let a version serve. ``more``: reason, decision_id, break_glass."""
        place = {"model": model, "version": version, "environment": environment, "role": role}
        return self._json("POST", "deployments", json={**place, **more})

    def roll_back(self, model: str, *, environment: str, reason: str) -> Body:
        """Put the last known good version back."""
        body = {"model": model, "environment": environment, "reason": reason}
        return self._json("POST", "deployments/rollback", json=body)

    def drill(self, model: str, *, environment: str) -> Body:
        """Try a rollback there and back; takes as long as that does."""
        return self._json(
            "POST", "deployments/drills", json={"model": model, "environment": environment}, timeout=300
        )

    def deployments(self, **filters: str) -> list[Body]:
        """Deployments that match ``model``, ``environment`` and ``serving`` ("true"), newest first."""
        return self._all("deployments", **filters)

    def stop_deployment(self, deployment_id: int, reason: str) -> Body:
        return self._json("POST", f"deployments/{deployment_id}/stop", json={"reason": reason})

    def health(self) -> Body:
        """Whether the service is ready; raises ServiceError when it is not."""
        return self._json("GET", f"{self.url}/health/ready")

    # --- transport ----------------------------------------------------------------------------------

    def _all(self, path: str, **parameters: str) -> list[Body]:
        """Every item of a list, page by page."""
        items: list[Body] = []
        cursor: dict[str, str] = {}
        while True:
            page = self._send("GET", path, params={**parameters, **cursor}).json()
            if isinstance(page, list):
                return page
            items += page["items"]
            if not page.get("next_cursor"):
                return items
            cursor = {"cursor": page["next_cursor"]}

    def _json(self, method: str, path: str, **options: Any) -> Body:
        body: Body = self._send(method, path, **options).json()
        return body

    def _send(self, method: str, path: str, allow: tuple[int, ...] = (), **options: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise ServiceError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"{self.url} answered {response.status_code}")
        if response.is_client_error and response.status_code not in allow:
            raise Problem(response.status_code, _problem(response) or _without_words(response.status_code))
        return response


def _evidence(kind: str, path: Path, digest: str, commit: str | None) -> Body:
    return {"kind": kind, "digest": digest, "filename": path.name, "commit": commit}


def _without_words(status: int) -> Body:
    """What an answer without a body means, such as that to a HEAD request."""
    told = {
        httpx2.codes.UNAUTHORIZED: "The service does not know this token: set ASSAY_TOKEN to a valid one.",
        httpx2.codes.FORBIDDEN: "The token does not carry the scope that this needs.",
    }
    return {"detail": told.get(httpx2.codes(status), f"HTTP {status}")}


def _problem(response: httpx2.Response) -> Body:
    try:
        body = response.json()
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}
