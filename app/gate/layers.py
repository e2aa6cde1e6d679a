"""One layer of policy judged, with who asks for each condition, and several put together. Pure.

What is not enforced yet is judged and reported like the rest and has no part in the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app.gate.policy import evaluate, overall
from app.gate.terms import Condition, Conditions, Known, Layer, Outcome, Status

STRICTER = {">=": 1, "<=": -1}
SEVERITY = {Status.FAIL: 2, Status.UNKNOWN: 1, Status.PASS: 0}


def judge(layer: Layer, known: Known) -> tuple[Condition, ...]:
    """Every condition of the layer; those that are not enforced at ``known.as_of`` come last."""
    enforced = layer.enforced(known.as_of.date())
    asked = evaluate(Conditions(enforced, layer.accept_not_applicable), known).conditions
    holding = {(condition.name, condition.threshold) for condition in asked}
    coming = () if layer.demand == enforced else _later(layer, known)
    reported = [replace(c, enforced=False) for c in coming if (c.name, c.threshold) not in holding]
    return tuple(replace(c, origin=layer.origin_of(c.name, c.threshold)) for c in (*asked, *reported))


def _later(layer: Layer, known: Known) -> tuple[Condition, ...]:
    return evaluate(Conditions(layer.demand, layer.accept_not_applicable), known).conditions


def together(conditions: Iterable[Condition]) -> Outcome:
    """The answer that all layers' conditions add up to. Of one name the worst counts, so nothing is loosened."""
    found: dict[tuple[str, bool], Condition] = {}
    for condition in conditions:
        key = condition.name, condition.enforced
        found[key] = max(found.get(key, condition), condition, key=_weight)
    enforced = {condition.name: condition for (_, holds), condition in found.items() if holds}
    kept = tuple(c for c in found.values() if c.enforced or not _said(c, enforced.get(c.name)))
    return Outcome(overall([condition.status for condition in enforced.values()]), kept)


def _weight(condition: Condition) -> tuple[int, Any]:
    """The worse the heavier; of equally bad ones the stricter."""
    sign = STRICTER.get(condition.comparator)
    return SEVERITY[condition.status], sign * condition.threshold if sign else 0


def _said(reported: Condition, enforced: Condition | None) -> bool:
    """Whether another layer enforces already what this one will."""
    return enforced is not None and (enforced.threshold, enforced.status) == (reported.threshold, reported.status)
