"""A workflow of GitHub Actions, from the published schema of its REST API.

Dispatching is not idempotent there: the request's id goes along, by which a workflow can tell a repetition.
"""

from __future__ import annotations

import json
from typing import Any

from app.alerts.channels import Wires
from app.alerts.channels.posting import ask, receipt_of
from app.training.senders.call import Call, Started

VERSION = "2022-11-28"


def send(call: Call, wires: Wires) -> Started:
    """Raises NotDelivered."""
    path, content = dispatch(call)
    headers = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
        "Authorization": f"Bearer {call.secret}",
    }
    url = f"{call.target['url'].rstrip('/')}/repos/{call.target['repository']}/{path}"
    return Started(receipt_of(ask("POST", url, json.dumps(content).encode(), headers, wires)))


def dispatch(call: Call) -> tuple[str, dict[str, Any]]:
    """Path below the repository, and body. Inputs are those that the workflow has to declare."""
    target = call.target
    if not target.get("workflow"):
        return "dispatches", {"event_type": target["event_type"], "client_payload": {"assay": dict(call.document)}}
    inputs = {f"assay_{key}": call.document[key] for key in ("request", "cause", "model", "environment")}
    return f"actions/workflows/{target['workflow']}/dispatches", {"ref": target["ref"], "inputs": inputs}
