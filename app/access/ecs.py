"""Entries of the audit log as documents of the Elastic Common Schema, for Elasticsearch and its like."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.log import ECS_VERSION

DATASET = "assay.audit"

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "add": "creation",
        "create": "creation",
        "handed_in": "creation",
        "made": "creation",
        "queued": "creation",
        "record": "creation",
        "recorded": "creation",
        "register": "creation",
        "registered": "creation",
        "request": "creation",
        "stored": "creation",
        "disclosed": "info",
        "end": "deletion",
        "expired": "deletion",
        "forgotten": "deletion",
        "remove": "deletion",
        "revoke": "deletion",
        "stop": "deletion",
    }
)
"""By verb; any other changes something that is there."""


def document(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as ``GET /api/v1/audit-log`` gives it, as one document."""
    noun, _, verb = entry["action"].partition(".")
    kind, _, key = entry["subject"].partition("/")
    return {
        "@timestamp": entry["at"],
        "ecs": {"version": ECS_VERSION},
        "message": f"{entry['actor']}: {entry['action']} {entry['subject']}",
        "event": {
            "id": str(entry["id"]),
            "sequence": entry["id"],
            "kind": "event",
            "category": ["iam" if noun.endswith("_token") else "configuration"],
            "type": [TYPES.get(verb, "change")],
            "action": entry["action"],
            "outcome": "success",
            "module": "assay",
            "dataset": DATASET,
        },
        "user": {"name": entry["actor"]},
        "related": {"user": [entry["actor"]]},
        "service": {"name": "assay"},
        "assay": {"subject": {"type": kind, "id": key}, "details": entry["details"]},
    }
