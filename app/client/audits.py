"""Audits and schedules."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from app.client.connection import Body, Connection

POLL_SECONDS = 0.5


class Audits(Connection):
    """Runs of the checks, and when they are due."""

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
        return self._create("audits", json=body)

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
        return self._create(f"audits/{audit_id}/retry")

    def watch_audit(self, audit_id: int, timeout: float = 3600) -> Iterator[Body]:
        """Yield the audit every half second until it has ended or ``timeout`` seconds have passed."""
        deadline = time.monotonic() + timeout
        while True:
            audit = self.audit(audit_id)
            yield audit
            if audit["status"] not in {"queued", "running"} or time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    def schedules(self, model: str = "") -> list[Body]:
        """All schedules, or those of one model."""
        return self._all("schedules", **({"model": model} if model else {}))

    def put_schedule(self, schedule: Mapping[str, Any]) -> Body:
        """Set a schedule; see ``ScheduleIn`` for the fields."""
        return self._json("PUT", "schedules", json=dict(schedule))

    def change_schedule(self, schedule_id: int, how: str) -> Body:
        """``how``: pause, resume (the schedule is returned) or run (its audit)."""
        return self._create(f"schedules/{schedule_id}/{how}")

    def schedule_slots(self, schedule_id: int) -> list[Body]:
        """The newest 50 slots, newest first."""
        items: list[Body] = self._json("GET", f"schedules/{schedule_id}/slots")["items"]
        return items
