"""What the gate's judgement is made of: what is asked, what is known, how each condition came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from checks.contract import Section, Verdict


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
class Demand:
    """What is asked. A minimum of 0 asks for nothing."""

    must_pass: tuple[str, ...] = ()
    must_not_fail: tuple[str, ...] = ()
    score: float = 0
    sections: Mapping[Section, float] = field(default_factory=dict)
    practice: PracticeDemand = PracticeDemand()

    @property
    def empty(self) -> bool:
        minima = self.score > 0 or any(self.sections.values())
        return not (self.must_pass or self.must_not_fail or minima or not self.practice.empty)

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
        )


@dataclass(frozen=True)
class Conditions:
    """A stage's demand, and the tests of which ``not_applicable`` is accepted."""

    demand: Demand
    accept_not_applicable: frozenset[str] = frozenset()

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests whose newest run is read."""
        return tuple(dict.fromkeys(self.demand.must_pass + self.demand.must_not_fail))


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
class Known:
    """What is known at ``as_of``: newest runs, scores (the score is the lowest section's), windows in days.

    ``automated`` names the tests that have a check. ``audit_problem`` is a sentence when the audit that this answer
    waited for did not succeed.
    """

    as_of: datetime
    runs: Mapping[str, Run]
    test_scores: Mapping[str, float]
    section_scores: Mapping[Section, float]
    windows: Mapping[str, float]
    automated: frozenset[str] = frozenset()
    audit_problem: str | None = None
    practice: PracticeFacts = PracticeFacts()

    @property
    def score(self) -> float:
        return min(self.section_scores[section] for section in Section)


@dataclass(frozen=True)
class Condition:
    """One condition and how it came out. ``remedy`` says what to do, "" where nothing is."""

    name: str
    metric: str
    comparator: str
    threshold: Any
    actual: Any
    status: Status
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Outcome:
    status: Status
    conditions: tuple[Condition, ...]
