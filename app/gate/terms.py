"""What the gate's judgement is made of: what is asked, what is known, how each condition came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, TypeVar

from checks.contract import Section, Verdict

Number = TypeVar("Number", int, float)


class Status(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class PracticeDemand:
    """What is asked of the ledger: rows that must be met, and the least level of automation (0: none)."""

    rows: tuple[int, ...] = ()
    automation_level: int = 0

    @property
    def empty(self) -> bool:
        return not self.rows and self.automation_level == 0

    @property
    def asks(self) -> dict[str, Any]:
        level = {"practice.automation_level": self.automation_level} if self.automation_level else {}
        return {f"practice.{row}": "met" for row in self.rows} | level

    def and_also(self, other: PracticeDemand) -> PracticeDemand:
        rows = tuple(sorted({*self.rows, *other.rows}))
        return PracticeDemand(rows, max(self.automation_level, other.automation_level))


@dataclass(frozen=True)
class RowFact:
    """A row of the ledger as it was when the decision was made. ``status``: met, missing or unknown."""

    title: str
    status: str
    missing: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class PracticeFacts:
    """``automation_level`` is None where it is unknown; ``lacking``: why it is not the next one."""

    rows: Mapping[int, RowFact] = field(default_factory=dict)
    automation_level: int | None = None
    lacking: str = ""


@dataclass(frozen=True)
class ApprovalFact:
    """A person's approval of the very version, as it was when the decision was made."""

    approval: int
    person: str
    role: str
    at: datetime
    comment: str


@dataclass(frozen=True)
class Demand:
    """What is asked. A minimum of 0 asks for nothing.

    ``at_most``: limits by the condition's name ("max_age_days.DATA-1", "delivery.change_fail_rate_max",
    "open_issues.high"). ``registration``: fields that must be filled. ``approvals``: how many people by role.
    """

    must_pass: tuple[str, ...] = ()
    must_not_fail: tuple[str, ...] = ()
    score: float = 0
    sections: Mapping[Section, float] = field(default_factory=dict)
    practice: PracticeDemand = PracticeDemand()
    at_most: Mapping[str, float] = field(default_factory=dict)
    registration: tuple[str, ...] = ()
    approvals: Mapping[str, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.asks

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests whose newest run is read."""
        return tuple(dict.fromkeys((*self.must_pass, *self.must_not_fail, *self.ages)))

    @property
    def ages(self) -> dict[str, float]:
        """The most days that may have passed since its newest run, by test id."""
        named = (name.partition(".") for name in self.at_most)
        return {test: self.at_most[f"{kind}.{test}"] for kind, _, test in named if kind == "max_age_days"}

    @property
    def asks(self) -> dict[str, Any]:
        """The threshold of every condition by its name, as ``Condition`` has them."""
        sections = {f"minimum.sections.{s.value}": points for s, points in self.sections.items() if points > 0}
        return {
            **{f"must_pass.{test_id}": "pass" for test_id in self.must_pass},
            **{f"must_not_fail.{test_id}": "fail" for test_id in self.must_not_fail},
            **sections,
            **({"minimum.score": self.score} if self.score > 0 else {}),
            **self.practice.asks,
            **self.at_most,
            **{f"registration.{name}": "filled" for name in self.registration},
            **{f"approvals.{role}": people for role, people in self.approvals.items()},
        }

    def and_also(self, other: Demand) -> Demand:
        """Both demands at once: never less than either. A test that must pass need not be said not to fail."""
        must_pass = tuple(dict.fromkeys(self.must_pass + other.must_pass))
        must_not_fail = dict.fromkeys(self.must_not_fail + other.must_not_fail)
        return Demand(
            must_pass,
            tuple(test_id for test_id in must_not_fail if test_id not in must_pass),
            max(self.score, other.score),
            {s: max(self.sections.get(s, 0), other.sections.get(s, 0)) for s in Section},
            self.practice.and_also(other.practice),
            {name: min(found) for name, found in _by_name(self.at_most, other.at_most).items()},
            tuple(dict.fromkeys(self.registration + other.registration)),
            {role: max(found) for role, found in _by_name(self.approvals, other.approvals).items()},
        )


def _by_name(*limits: Mapping[str, Number]) -> dict[str, list[Number]]:
    names = dict.fromkeys(name for some in limits for name in some)
    return {name: [some[name] for some in limits if name in some] for name in names}


def all_of(demands: Iterable[Demand]) -> Demand:
    return reduce(Demand.and_also, demands, Demand())


@dataclass(frozen=True)
class Conditions:
    """A stage's demand, and the tests of which ``not_applicable`` is accepted."""

    demand: Demand
    accept_not_applicable: frozenset[str] = frozenset()

    @property
    def tests(self) -> tuple[str, ...]:
        return self.demand.tests


@dataclass(frozen=True)
class Clause:
    """A part of what is asked. ``origin`` names who asks it; before ``enforced_from`` (UTC) it is only reported."""

    origin: str
    demand: Demand
    enforced_from: date | None = None

    def enforced(self, day: date) -> bool:
        return self.enforced_from is None or self.enforced_from <= day


@dataclass(frozen=True)
class Layer:
    """What is asked together, and how it is judged: by which thresholds and windows (days), by test id."""

    clauses: tuple[Clause, ...]
    accept_not_applicable: frozenset[str]
    thresholds: Mapping[str, Mapping[str, Any]]
    windows: Mapping[str, float]
    lifetime: timedelta

    @property
    def demand(self) -> Demand:
        """All of it, whether it is enforced yet or not."""
        return all_of(clause.demand for clause in self.clauses)

    def enforced(self, day: date) -> Demand:
        return all_of(clause.demand for clause in self.clauses if clause.enforced(day))

    def origin_of(self, name: str, threshold: Any) -> str:
        """Who asks for this condition; of several the one that was read first. "" for what no policy asks."""
        asking = (clause.origin for clause in self.clauses if clause.demand.asks.get(name) == threshold)
        return next(asking, "")


@dataclass(frozen=True)
class Run:
    """The newest run of a test: by a check, or by the person who attests it (then it has an expiry).

    ``source`` names it in a sentence: "audit 12", "the attestation by Ada". ``estimated``: measured without
    labels, which never satisfies "must pass".
    """

    test_id: str
    verdict: Verdict
    at: datetime
    source: str
    reason: str = ""
    remedy: str = ""
    estimated: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Limited:
    """A measured value in the unit of its limit; None, and why, where it is not known."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class Known:
    """What is known at ``as_of``: newest runs, scores (the score is the lowest section's), windows in days.

    ``automated`` names the tests that have a check. ``audit_problem`` is a sentence when the audit that this answer
    waited for did not succeed. ``delivery``: metrics by the key of their limit. ``open_issues``: how many by
    severity, ``registration``: values by field, and ``approvals``; None where that was not looked up. ``author``
    registered the version.
    """

    as_of: datetime
    runs: Mapping[str, Run]
    test_scores: Mapping[str, float]
    section_scores: Mapping[Section, float]
    windows: Mapping[str, float]
    automated: frozenset[str] = frozenset()
    audit_problem: str | None = None
    practice: PracticeFacts = PracticeFacts()
    delivery: Mapping[str, Limited] = field(default_factory=dict)
    open_issues: Mapping[str, int] | None = None
    registration: Mapping[str, Any] | None = None
    approvals: Sequence[ApprovalFact] | None = None
    author: str | None = None

    @property
    def score(self) -> float:
        return min(self.section_scores[section] for section in Section)


@dataclass(frozen=True)
class Condition:
    """One condition and how it came out. ``remedy`` says what to do, "" where nothing is.

    ``origin`` names who asks for it. One that is not ``enforced`` yet is reported and denies nothing, nor does one
    that is excused: ``waived_by`` is the waiver, JSON-ready.
    """

    name: str
    metric: str
    comparator: str
    threshold: Any
    actual: Any
    status: Status
    reason: str
    remedy: str = ""
    origin: str = ""
    enforced: bool = True
    waived_by: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    status: Status
    conditions: tuple[Condition, ...]
