"""A decision as SARIF 2.1.0 (OASIS), for code scanning pages.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version as installed_version
from typing import Any

from app.gate.forms import words
from app.gate.forms.words import Body
from checks.rubric import BY_ID

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"waived": "warning", "reported": "note", "noted": "note"}
"""By standing; everything else stops a deployment, and is an error."""
MANIFEST = "assay.yaml"
"""Where the model is declared, in its own repository: GitHub shows no result that has no file."""


def sarif(body: Body) -> str:
    """A rule for each condition, and a result for each that did not pass. A waived one is a suppressed result."""
    conditions = words.by_gravity(body) or words.undecided(body)
    against = [condition for condition in conditions if words.standing(condition) != "pass"]
    driver = {
        "name": "Assay",
        "semanticVersion": installed_version("assay"),
        "rules": [_rule(condition, words.service(body)) for condition in conditions],
    }
    if words.service(body):
        driver["informationUri"] = words.service(body)
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"assay-gate/{body['model']}/{words.place(body)}/"},
        "invocations": [_invocation(body)],
        "results": [_result(body, condition, conditions.index(condition)) for condition in against],
        "properties": {
            key: body[key] for key in ("status", "id", "score", "section_scores", "policy", "expires_at")
        },
    }
    return words.as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(condition: Body, service: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": condition["name"],
        "shortDescription": {"text": words.title(condition)},
        "defaultConfiguration": {"level": "error"},
    }
    test_id = condition["name"].partition(".")[2]
    if service and test_id in BY_ID:
        rule["helpUri"] = f"{service}/checks/{test_id}"
        rule["help"] = {"text": f"What {test_id} asks, how it is measured and judged: {rule['helpUri']}"}
    return rule


def _invocation(body: Body) -> dict[str, Any]:
    """Successful when something was decided; the facts that belong to no condition are its notifications."""
    invocation: dict[str, Any] = {
        "executionSuccessful": bool(body["decided_at"]),
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": text}} for text in (words.summary(body), *words.facts(body))
        ],
    }
    if body["decided_at"]:
        invocation["endTimeUtc"] = body["decided_at"]
    return invocation


def _result(body: Body, condition: Body, rule: int) -> dict[str, Any]:
    found = words.standing(condition)
    result: dict[str, Any] = {
        "ruleId": condition["name"],
        "ruleIndex": rule,
        "level": LEVELS.get(found, "error"),
        "message": {"text": "\n".join([f"{words.asked(body)}: {words.title(condition)}", *words.told(condition)])},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": MANIFEST}, "region": {"startLine": 1}}},
        ],
        "partialFingerprints": {"assayCondition/v1": _fingerprint(body, condition)},
        "properties": {"standing": found, "actual": condition["actual"], "threshold": condition["threshold"]},
    }
    if found == "waived":
        result["suppressions"] = [{"kind": "external", "justification": words.told(condition)[1]}]
    if words.link(body):
        result["hostedViewerUri"] = words.link(body)
    return result


def _fingerprint(body: Body, condition: Body) -> str:
    """The same for every version of the model: the next run that passes closes the alert."""
    named = (body["model"], body["environment"], body["stage"], condition["name"])
    return hashlib.sha256("\0".join(named).encode()).hexdigest()[:32]
