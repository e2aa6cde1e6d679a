"""Waiting for people: approvals that the policy asks for, and waivers that somebody asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from app.client.connection import Body
from app.client.gate import Gate
from app.client.types import Condition, Decision
from app.client.waivers import Waivers

PEOPLE_SECONDS = 5.0
"""Between two looks. Each is a dry run, which leaves no decision."""

Told = Callable[[list[str]], object]


class People(Gate, Waivers):
    """The gate, where it takes people to open it."""

    def wait_for_people(self, decision: Decision, timeout: float, told: Told = lambda _: None) -> Decision:
        """While nobody but people stands between the version and a pass, wait up to ``timeout`` seconds for them.

        Args:
            decision: as ``evaluate`` gave it; one that waits for nobody is returned at once.
            told: called with the names of the conditions that wait, whenever they are others than before.

        Returns:
            The newest decision; there is another one whenever what people did changed the answer.
        """
        deadline = time.monotonic() + timeout
        seen, before = decision, list[str]()
        while waiting := self._awaited(decision):
            if waiting != before:
                told(waiting)
            if (left := deadline - time.monotonic()) <= 0:
                break
            time.sleep(min(PEOPLE_SECONDS, left))
            before, looked = waiting, self._again(decision, dry_run=True)
            if _standing(looked) != _standing(seen):
                seen = looked
                left = max(0, deadline - time.monotonic())
                decision = looked if decision["dry_run"] else self._again(decision, wait=left)
        return decision

    def _again(self, decision: Decision, *, dry_run: bool = False, wait: float = 0) -> Decision:
        place = {"environment": decision["environment"], "stage": decision["stage"]}
        return self.evaluate(decision["model"], decision["version"], **place, dry_run=dry_run, wait=wait)

    def _awaited(self, decision: Decision) -> list[str]:
        by_waiver = any(not _approval(one) for one in _missing(decision))
        return awaited(decision, self.waivers(decision["model"]) if by_waiver else [])


def awaited(decision: Decision, waivers: Sequence[Body]) -> list[str]:
    """The conditions that wait for people: approvals, and those that a waiver was asked for which nobody has
    approved yet. None, when anything else is missing: then people change nothing.
    """
    asked = {one["condition"] for one in waivers if _could_excuse(one, decision)}
    missing = _missing(decision)
    by_people = all(_approval(one) or one["name"] in asked for one in missing)
    return [one["name"] for one in missing] if by_people else []


def _missing(decision: Decision) -> list[Condition]:
    """What an answer that is not "pass" rests on."""
    found = decision["conditions"] if decision["status"] in {"fail", "unknown"} else []
    return [
        one for one in found if one.get("enforced", True) and one["status"] != "pass" and not one.get("waived_by")
    ]


def _approval(one: Condition) -> bool:
    return one["name"].startswith("approvals.") and one["actual"] is not None


def _could_excuse(waiver: Body, decision: Decision) -> bool:
    return (
        waiver["status"] == "requested"
        and waiver["environment"] == decision["environment"]
        and waiver["stage"] in {None, decision["stage"]}
        and waiver["version"] in {None, decision["version"]}
    )


def _standing(decision: Decision) -> list[tuple[Any, ...]]:
    """What people can change of an answer."""
    found = decision["conditions"]
    return [(one["name"], one["status"], one["actual"], bool(one.get("waived_by"))) for one in found]
