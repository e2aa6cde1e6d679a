"""What one policy asks for and another does not: added, removed, tightened, loosened. Pure.

What is asked of a subject is a staircase in time: from a day on so much is asked. Of two, that is tighter which is
nowhere lower. What a test must do is one subject: a pass is more than not to fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from app.gate.terms import Clause
from app.gate.written import AdditionsForm, FloorForm, JudgingForm, PolicyForm, WaiversForm
from checks.rubric import BY_ID

Kind = Literal["added", "removed", "tightened", "loosened", "changed"]

MORE_IS_LESS = ("max_age_days", "delivery", "open_issues")
LISTED = ("banned_features", "deprecated_features", "banned_sources", "sensitive", "slices")
"""What the organisation's policy lists: the more, the stricter."""
OF_TESTS = {"must_not_fail": 1, "must_pass": 2}
"""How much each asks of a test."""


@dataclass(frozen=True)
class Asked:
    """A condition, by whom, and the day from which it denies (None: ever since)."""

    name: str
    threshold: Any
    origin: str = ""
    enforced_from: date | None = None

    @property
    def subject(self) -> str:
        kind, _, rest = self.name.partition(".")
        return f"test.{rest}" if kind in OF_TESTS else self.name

    @property
    def weight(self) -> float:
        """The more the stricter, among those of one subject."""
        kind, _, _ = self.name.partition(".")
        if kind in OF_TESTS:
            return OF_TESTS[kind]
        if not isinstance(self.threshold, int | float):
            return 1
        return -self.threshold if kind in MORE_IS_LESS else self.threshold

    @property
    def day(self) -> date:
        return self.enforced_from or date.min


@dataclass(frozen=True)
class Change:
    """``changed``: which of the two is stricter cannot be told."""

    subject: str
    kind: Kind
    before: tuple[Asked, ...]
    after: tuple[Asked, ...]


def asked(clauses: Iterable[Clause]) -> dict[str, tuple[Asked, ...]]:
    """By subject what is asked, each step of the staircase by whoever asks for it first."""
    found: dict[str, list[Asked]] = {}
    for clause in clauses:
        for name, threshold in clause.demand.asks.items():
            one = Asked(name, threshold, clause.origin, clause.enforced_from)
            found.setdefault(one.subject, []).append(one)
    return {subject: tuple(_steps(some)) for subject, some in found.items()}


def _steps(some: Sequence[Asked]) -> Iterator[Asked]:
    height = float("-inf")
    for one in sorted(some, key=lambda one: (one.day, -one.weight)):
        if one.weight > height:
            height = one.weight
            yield one


def changes(before: Mapping[str, tuple[Asked, ...]], after: Mapping[str, tuple[Asked, ...]]) -> Iterator[Change]:
    for subject in {**after, **before}:
        old, new = before.get(subject, ()), after.get(subject, ())
        if kind := _kind(old, new):
            yield Change(subject, kind, old, new)


def _kind(old: tuple[Asked, ...], new: tuple[Asked, ...]) -> Kind | None:
    if not (old and new):
        return "added" if new else "removed"
    days = {one.day for one in (*old, *new)}
    heights = [(_height(old, day), _height(new, day)) for day in days]
    if all(then == now for then, now in heights):
        return None
    if all(then <= now for then, now in heights):
        return "tightened"
    return "loosened" if all(then >= now for then, now in heights) else "changed"


def _height(steps: tuple[Asked, ...], day: date) -> float:
    return max((one.weight for one in steps if one.day <= day), default=float("-inf"))


# --- how it is judged -------------------------------------------------------------------------------


def terms(form: PolicyForm | FloorForm | AdditionsForm | None) -> dict[str, Any]:
    """What a policy says beside its conditions, by its place in the text."""
    if not isinstance(form, JudgingForm):
        return {}
    rules = form.waivers or (WaiversForm() if isinstance(form, PolicyForm) else None)  # a floor may leave it open
    said: dict[str, Any] = {"decision_lifetime_hours": getattr(form, "decision_lifetime_hours", None)}
    said |= {f"windows.{test}": days for test, days in form.windows.items()}
    said |= {f"accept_not_applicable.{test}": True for test in form.accept_not_applicable}
    said |= {f"thresholds.{test}.{key}": v for test, given in form.thresholds.items() for key, v in given.items()}
    if rules:
        said |= {"waivers.max_days": rules.max_days, "waivers.approvers": sorted(rules.approvers)}
        said |= {f"waivers.never.{name}": True for name in rules.never}
    return said


def term_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in {**after, **before}:
        old, new = before.get(name), after.get(name)
        if old != new:
            told = [() if value is None else (Asked(name, value),) for value in (old, new)]
            yield Change(name, _direction(name, old, new), *told)


def _direction(name: str, old: Any, new: Any) -> Kind:
    kind, _, rest = name.partition(".")
    if kind == "accept_not_applicable":
        return "loosened" if new else "tightened"
    if rest.startswith("never.") or kind in LISTED:
        return "changed" if old and new else "tightened" if new else "loosened"
    if kind == "windows":
        old, new = (BY_ID[rest].window_days if days is None else days for days in (old, new))
    if rest == "approvers" and old and new:
        return "loosened" if set(old) < set(new) else "tightened" if set(new) < set(old) else "changed"
    if kind != "thresholds" and (old is None or new is None):
        return "added" if old is None else "removed"
    if kind == "thresholds" or not all(isinstance(value, int | float) for value in (old, new)):
        return "changed"
    return "loosened" if new > old else "tightened"
