"""A stored decision under other policies: what would be different, and what was not kept to tell. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.gate.derivation import Inputs
from app.gate.forms.words import standing
from app.gate.policy import overall
from app.gate.terms import Demand, Status

Body = Mapping[str, Any]

NOT_KEPT = "Unknown because decision {} kept nothing about it: its policies did not ask for it."


@dataclass(frozen=True)
class Difference:
    """A condition that is judged otherwise. ``before`` and ``after`` as ``standing`` has them; None: not asked."""

    name: str
    before: str | None
    after: str | None
    threshold: Any
    origin: str
    reason: str


def differences(before: Body, after: Body, unkept: frozenset[str] = frozenset()) -> Iterator[Difference]:
    """The conditions that are judged otherwise and speak against the version, then or now."""
    then, now = _by_name(before), _by_name(after)
    for key in {**now, **then}:
        old, new = then.get(key), now.get(key)
        if _of(old) != _of(new) and (_against(old) or _against(new)):
            yield _difference(before["id"], old, new, unkept)


def once_enforced(body: Body) -> Status:
    """The answer if everything were enforced that is in its grace period."""
    statuses = [(Status(c["status"]), c.get("waived_by") is not None) for c in body["conditions"]]
    shown = any(status is Status.PASS for status, _ in statuses)  # else waivers change nothing
    return overall(Status.PASS if waived and shown else status for status, waived in statuses)


def not_kept(inputs: Inputs, demand: Demand) -> frozenset[str]:
    """The conditions of ``demand`` of which the facts were not looked up when the decision was made."""
    asked = inputs.in_force.readable_layers(inputs.stage, inputs.risk_tier) or ()
    leveled = any(layer.demand.practice.automation_level for layer in asked)
    kept = {
        "practice": {f"{row}" for row in inputs.practice.rows} | ({"automation_level"} if leveled else set()),
        "delivery": set(inputs.delivery),
        "registration": set(inputs.registration or ()),
    }
    names = (name.split(".", 1) for name in demand.asks)
    lacking = {f"{kind}.{what}" for kind, what in names if kind in kept and what not in kept[kind]}
    whole = {"open_issues": inputs.open_issues, "approvals": inputs.approvals}
    never = [kind for kind, found in whole.items() if found is None]
    lacking |= {name for name in demand.asks if name.split(".")[0] in never}
    return frozenset(lacking)


def _by_name(body: Body) -> dict[tuple[str, bool], Body]:
    return {(c["name"], c.get("enforced", True)): c for c in body["conditions"]}


def _of(condition: Body | None) -> tuple[Any, ...] | None:
    return None if condition is None else (standing(condition), condition["status"], condition["threshold"])


def _against(condition: Body | None) -> bool:
    return condition is not None and condition["status"] != Status.PASS.value


def _difference(decision: int, old: Body | None, new: Body | None, unkept: frozenset[str]) -> Difference:
    told = new or old or {}
    reason = told["reason"]
    if new is None:
        reason = f"It is not asked for any more. {reason}"
    elif told["name"] in unkept:
        reason = NOT_KEPT.format(decision)
    was, will = (standing(condition) if condition else None for condition in (old, new))
    return Difference(told["name"], was, will, told["threshold"], told.get("origin", ""), reason)
