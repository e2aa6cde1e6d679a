"""What the templates are given. One dataclass a page; a template reads nothing else than its ``view``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.acceptances.schemas import AcceptanceOut
from app.alerts.schemas import AlertOut
from app.audits.schemas import AuditOut, FindingOut
from app.ledger.rows import JudgedRow
from app.ledger.schemas import RowOut
from app.pages.gate import PeopleView
from app.pages.register import RegisterView
from app.pages.values import Layout, Table
from app.schedules.schemas import ScheduleOut
from app.scorecards.schemas import DecisionBrief, ExhibitOut, FleetRow, ScorecardOut, SectionOut, TestOut
from app.tables import Dataset, Model, Version
from checks.explanation import Block
from checks.rubric import RubricTest


@dataclass(frozen=True)
class FleetView:
    """``/``: one page of models. ``next_cursor`` leads to the next, None on the last.

    By a model's name: ``troubles``, what is wrong with its schedules; ``practice``, the rows of its ledger.
    """

    rows: Sequence[FleetRow]
    next_cursor: str | None
    troubles: Mapping[str, str]
    practice: Mapping[str, Sequence[JudgedRow]]


@dataclass(frozen=True)
class SectionView:
    """A section of the scorecard and its seven tests."""

    score: SectionOut
    tests: Sequence[TestOut]
    limiting: bool


@dataclass(frozen=True)
class ScheduleLine:
    """A schedule of the model; ``trouble`` is "" when nothing is wrong."""

    schedule: ScheduleOut
    trouble: str


@dataclass(frozen=True)
class ScorecardView:
    """``/models/{name}/versions/{version}``.

    ``card`` is what the API answers. ``versions`` are names, newest first. ``as_of`` is set when the page shows
    another time than now. ``environments`` can be chosen from.
    """

    model: Model
    version: Version
    card: ScorecardOut
    sections: Sequence[SectionView]
    versions: Sequence[str]
    datasets: Mapping[str, Dataset]
    audits: Sequence[AuditOut]
    schedules: Sequence[ScheduleLine]
    decisions: Sequence[DecisionBrief]
    acceptances: Sequence[AcceptanceOut]
    environments: Sequence[str]
    as_of: datetime | None
    open_alerts: int
    register: RegisterView
    people: PeopleView
    practice: Sequence[RowOut]
    badge_markdown: str


@dataclass(frozen=True)
class ExhibitView:
    """What a check made. ``table`` previews a CSV file, ``image`` is to be drawn, ``report`` is HTML that nobody
    trusts; ``missing``: no longer stored.
    """

    exhibit: ExhibitOut
    table: Table | None = None
    image: bool = False
    report: bool = False
    missing: bool = False


@dataclass(frozen=True)
class FindingView:
    """``/findings/{id}``: what was measured, by what it was judged, and the evidence."""

    finding: FindingOut
    test: RubricTest
    measured: Layout
    exhibits: Sequence[ExhibitView]


@dataclass(frozen=True)
class ReportView:
    """A report alone, ``/findings/{id}/exhibits/{number}`` in a tab of its own."""

    finding: FindingOut
    exhibit: ExhibitOut


@dataclass(frozen=True)
class AuditView:
    """``/audits/{id}``. ``steps``: (test, status, verdict, seconds, finding id) of each check of the audit."""

    audit: AuditOut
    steps: Sequence[AuditStep]
    live: bool


@dataclass(frozen=True)
class AuditStep:
    """One check of an audit. ``finding_id`` and ``reason`` are there once it was found."""

    test: RubricTest
    status: str
    verdict: str | None
    seconds: float | None
    finding_id: int | None
    reason: str


@dataclass(frozen=True)
class AlertsView:
    """``/alerts``: one page, newest first; only those that nobody looks after yet unless ``everything``."""

    alerts: Sequence[AlertOut]
    next_cursor: str | None
    everything: bool


@dataclass(frozen=True)
class CheckRow:
    """A test of the rubric; ``automated``: there is a check for it."""

    test: RubricTest
    automated: bool


@dataclass(frozen=True)
class ChecksView:
    """``/checks``: the 28 tests by section."""

    sections: Mapping[str, Sequence[CheckRow]]


@dataclass(frozen=True)
class CheckView:
    """``/checks/{id}``. ``blocks``: the check's docstring; none without a check."""

    test: RubricTest
    blocks: Sequence[Block]
    thresholds: Mapping[str, Any]
    window: str
