"""What makes a pipeline train anew. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.tables import Alert

CAUSE_OF: Mapping[str, str] = MappingProxyType(
    {
        "MON-7": "degradation",
        "MON-4": "degradation",
        "MON-2": "distribution_change",
        "MON-3": "distribution_change",
    }
)
"""By test that turned to fail. The others of the section are about the system around the model, which no training
mends: dependencies, numerical stability, computing performance.
"""
ORDER = ("degradation", "distribution_change")
"""Which one is told where an audit shows both."""
EVENTS = ("verdict.changed", "dependency.changed")


@dataclass(frozen=True)
class Asked:
    """Why a new version is wanted. ``subject`` is what raised it, once; ``because`` are sentences."""

    cause: str
    subject: str
    because: tuple[str, ...]
    detail: Mapping[str, Any]
    alert_id: int | None = None


def read(alert: Alert, causes: Collection[str]) -> Asked | None:
    """What an alert asks for, of ``causes``; None when it asks for nothing."""
    found = _of_verdicts(alert, causes) if alert.event == "verdict.changed" else _of_data(alert, causes)
    if found is None:
        return None
    cause, because, detail = found
    return Asked(cause, f"alert/{alert.id}", because, detail, alert.id)


Found = tuple[str, tuple[str, ...], dict[str, Any]]


def _of_verdicts(alert: Alert, causes: Collection[str]) -> Found | None:
    failed = [one for one in alert.body["tests"] if one["to"] == "fail" and CAUSE_OF.get(one["test"]) in causes]
    if not failed:
        return None
    cause = next(cause for cause in ORDER if any(CAUSE_OF[one["test"]] == cause for one in failed))
    tests = [{key: one[key] for key in ("test", "title", "reason", "finding_path")} for one in failed]
    because = tuple(f"{one['test']} turned to fail. {one['reason']}" for one in failed)
    return cause, because, {"tests": tests, "version": alert.body["version"], "audit_id": alert.body["audit_id"]}


def _of_data(alert: Alert, causes: Collection[str]) -> Found | None:
    """A changed lock file or source system asks for nothing: there is nothing new to learn from."""
    changed = [one for one in alert.body["changes"] if one["kind"] == "data"]
    if alert.body["planted"] or not changed or "new_data" not in causes:
        return None
    because = tuple(f"{one['name']} changed: {one['previous']} -> {one['fingerprint']}." for one in changed)
    return "new_data", because, {"changes": changed}
