"""Writes a decision of the gate to the registered version that it is of: tags, and an alias while it passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import Conflict, Invalid
from app.evidence.collecting import mlflow_registry as registry
from app.evidence.collecting.mlflow_registry import Registered
from app.evidence.collecting.reading import Reader
from app.ledger.registries import VERSION_TAG

TAG = "assay"
PASS = "pass"


def publish(
    server: Reader, decision: Mapping[str, Any], name: str, number: str | None = None
) -> tuple[str, str | None]:
    """Set ``assay.status``, ``.decision``, ``.score``, ``.environment``, ``.url`` on a version, and move the alias
    ``assay-ENVIRONMENT``: to it when the decision passed; away from it when it did not.

    Args:
        name: of the registered model.
        number: of its version; by default the one whose tag ``assay.version`` names the decision's.

    Returns:
        The version's number, and the alias that points to it now.

    Raises:
        Invalid: there is no such version, or several.
        Conflict: a newer decision for the environment is published there.
    """
    if decision["status"] == "in_progress":
        raise Invalid(f"decision {decision['id']} is not made yet")
    version = _version(server, name, number, str(decision["version"]))
    tags, number = registry.tags(version), str(version["version"])
    newest = tags.get(f"{TAG}.decision", "")
    same_place = tags.get(f"{TAG}.environment") == decision["environment"]
    if same_place and newest.isdecimal() and int(newest) > int(decision["id"]):
        raise Conflict(f"{name} {number} bears decision {newest} already, which is newer than {decision['id']}")
    for key, value in _told(decision).items():
        server.post("model-versions/set-tag", {"name": name, "version": number, "key": key, "value": value})
    return number, _point(
        server, name, number, f"{TAG}-{decision['environment']}", passed=decision["status"] == PASS
    )


def _told(decision: Mapping[str, Any]) -> dict[str, str]:
    told = {
        VERSION_TAG: decision["version"],
        f"{TAG}.status": decision["status"],
        f"{TAG}.decision": decision["id"],
        f"{TAG}.score": decision.get("score"),
        f"{TAG}.environment": decision["environment"],
        f"{TAG}.url": decision.get("evaluation_url"),
    }
    return {key: "" if value is None else str(value) for key, value in told.items()}


def _version(server: Reader, name: str, number: str | None, wanted: str) -> Registered:
    if number is not None:
        return registry.version(server, name, number)
    named = [one for one in registry.versions(server, name) if registry.tags(one).get(VERSION_TAG) == wanted]
    if len(named) != 1:
        numbers = ", ".join(str(one["version"]) for one in named) or "none"
        raise Invalid(f"of {name}'s versions in MLflow {numbers} has the tag {VERSION_TAG} {wanted}: give --number")
    return named[0]


def _point(server: Reader, name: str, number: str, alias: str, *, passed: bool) -> str | None:
    if passed:
        server.post("registered-models/alias", {"name": name, "alias": alias, "version": number})
        return alias
    model = server.get("registered-models/get", name=name)["registered_model"]
    if registry.aliases(model).get(alias) == number:
        server.delete("registered-models/alias", {"name": name, "alias": alias})
    return None
