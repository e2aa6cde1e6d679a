"""A run of a Kubeflow pipeline over the v2beta1 REST API, from the published schema: nothing of kfp is imported.

Making a run is not idempotent there: from the second attempt on, a run of the request's name is looked for first.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from app.alerts.channels import NotDelivered, Wires
from app.alerts.channels.posting import ask, receipt_of
from app.outgoing import Answer
from app.training.senders.call import Call, Started

RUNS = "apis/v2beta1/runs"


def send(call: Call, wires: Wires) -> Started:
    """Raises NotDelivered."""
    url = f"{call.target['url'].rstrip('/')}/{RUNS}"
    headers = {"Authorization": f"Bearer {call.secret}"} if call.secret else {}
    if call.attempt > 1 and (known := _made_before(call, url, headers, wires)):
        return known
    answer = ask("POST", url, json.dumps(body(call)).encode(), headers, wires)
    return Started(receipt_of(answer), _text(_read(answer).get("run_id")))


def body(call: Call) -> dict[str, Any]:
    """A V2beta1Run to be made."""
    target = call.target
    parameters = dict(target.get("parameters", {}))
    if name := target.get("request_parameter"):
        parameters[name] = call.key
    reference = {key: target[key] for key in ("pipeline_id", "pipeline_version_id") if target.get(key)}
    more = {key: target[key] for key in ("experiment_id", "service_account") if target.get(key)}
    return {
        "display_name": name_of(call),
        "description": " ".join(call.document["because"])[:1000],
        "pipeline_version_reference": reference,
        "runtime_config": {"parameters": parameters},
        **more,
    }


def name_of(call: Call) -> str:
    return f"assay-{call.key}"


def _made_before(call: Call, url: str, headers: dict[str, str], wires: Wires) -> Started | None:
    """The run that an attempt made whose answer never came."""
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name_of(call)}
    query = {"page_size": 10, "filter": json.dumps({"predicates": [predicate]})}
    if experiment := call.target.get("experiment_id"):
        query["experiment_id"] = experiment
    answer = ask("GET", f"{url}?{urlencode(query)}", b"", headers, wires)
    runs = _read(answer).get("runs") or ()
    found = next((one for one in runs if isinstance(one, dict) and one.get("display_name") == name_of(call)), None)
    return Started(receipt_of(answer), _text(found.get("run_id"))) if found else None


def _read(answer: Answer) -> dict[str, Any]:
    """Raises NotDelivered: what answers is not this API."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotDelivered(f"the receiver answered {answer.status} without JSON: it is not the Kubeflow API")
    return found


def _text(value: Any) -> str | None:
    return value[:250] if isinstance(value, str) and value else None
