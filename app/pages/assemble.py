"""Puts together what the pages show, from the services that answer the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

import app.alerts.queries as alert_queries
import app.alerts.service as alert_service
import app.audits.queries as audit_queries
import app.audits.service as audits
import app.gate.queries as gate_queries
import checks
from app.acceptances import service as acceptances
from app.catalog import organisation
from app.catalog.queries import datasets_of, find_version
from app.config import Settings
from app.db import utcnow
from app.errors import NotFound, nearest
from app.evidence.blobs import BlobStore
from app.ledger import service as ledger
from app.pages import gate, register
from app.pages.values import lay_out, preview
from app.pages.views import (
    AlertsView,
    AuditStep,
    AuditView,
    CheckRow,
    ChecksView,
    CheckView,
    ExhibitView,
    FindingView,
    FleetView,
    ReportView,
    ScheduleLine,
    ScorecardView,
    SectionView,
)
from app.paging import PageParams
from app.schedules import queries as schedule_queries
from app.schedules import service as schedules
from app.scorecards import service as scorecards
from app.scorecards.schemas import DecisionBrief, ExhibitOut, ScorecardOut
from app.tables import Attestation, Decision, Finding, Model, Version
from checks.contract import Section
from checks.explanation import explanation_of
from checks.rubric import BY_ID, TESTS, RubricTest

LISTED = PageParams(limit=8)
VERSIONS_LISTED = 50
LIVE = frozenset({"queued", "running"})


def fleet(session: Session, settings: Settings, params: PageParams) -> FleetView:
    page = scorecards.fleet(session, params)
    names = [row.model for row in page.items]
    practice = ledger.rows_of(session, schedule_queries.models_named(session, names), utcnow())
    return FleetView(page.items, page.next_cursor, schedules.troubles(session, names, settings), practice)


def scorecard(
    session: Session,
    settings: Settings,
    model_name: str,
    version_name: str,
    environment: str | None,
    as_of: datetime | None,
) -> ScorecardView:
    """Raises NotFound, naming the nearest model or version."""
    model, version = find_version(session, model_name, version_name)
    found = scorecards.scorecard(session, model, version, environment=environment, as_of=as_of)
    card = scorecards.with_exhibits(session, found, version)
    shown = audits.list_audits(session, audit_queries.Filters(model.name, version.name), LISTED)
    known = {name for name in gate_queries.policy_names(session) if name != organisation.NAME}
    return ScorecardView(
        model=model,
        version=version,
        card=card,
        sections=_sections(card),
        versions=_version_names(session, model),
        datasets=datasets_of(session, version.id),
        audits=shown.items,
        schedules=[
            ScheduleLine(one, schedules.trouble_of(one))
            for one in schedules.schedules_of(session, [model], settings)
        ],
        decisions=_decisions(session, version),
        acceptances=acceptances.list_acceptances(session, model.name, LISTED).items,
        environments=sorted(known | ({environment} if environment else set())),
        as_of=as_of,
        register=register.of_model(session, model, settings),
        people=gate.people(session, model.name, version.name, LISTED),
        open_alerts=alert_queries.open_alerts(session, model.id),
        practice=ledger.ledger_of(session, model.name, version.name, as_of or utcnow()).rows,
        badge_markdown=f"![ML test score]({settings.public_url}/badges/{model.name}.svg)",
    )


def _sections(card: ScorecardOut) -> list[SectionView]:
    return [
        SectionView(
            score=item,
            tests=[test for test in card.tests if test.section == item.section],
            limiting=item.section in card.limiting,
        )
        for item in card.sections
    ]


def _version_names(session: Session, model: Model) -> Sequence[str]:
    query = select(Version.name).where(Version.model_id == model.id).order_by(col(Version.id).desc())
    return session.exec(query.limit(VERSIONS_LISTED)).all()


def _decisions(session: Session, version: Version) -> list[DecisionBrief]:
    query = gate_queries.decisions(version_id=version.id).order_by(col(Decision.id).desc()).limit(LISTED.limit)
    return [
        DecisionBrief(
            id=row.id,
            environment=row.environment,
            stage=row.stage,
            status=row.status,
            version=version.name,
            at=row.decided_at or row.created_at,
        )
        for row in session.exec(query)
    ]


def finding(session: Session, blobs: BlobStore, finding_id: int) -> FindingView:
    """Raises NotFound."""
    found = audits.show_finding(session, finding_id)
    exhibits = scorecards.exhibits_out(finding_id, [exhibit.model_dump() for exhibit in found.exhibits])
    return FindingView(
        finding=found,
        test=BY_ID[found.check_id],
        measured=lay_out(found.measured or {}),
        exhibits=[_exhibit(blobs, exhibit) for exhibit in exhibits],
    )


def _exhibit(blobs: BlobStore, exhibit: ExhibitOut) -> ExhibitView:
    if not blobs.has(exhibit.digest):
        return ExhibitView(exhibit, missing=True)
    if exhibit.media_type == "text/csv":
        return ExhibitView(exhibit, table=preview(exhibit.name, blobs.read(exhibit.digest)))
    return ExhibitView(
        exhibit,
        image=exhibit.media_type in {"image/svg+xml", "image/png"},
        report=exhibit.media_type == "text/html",
    )


def report(session: Session, finding_id: int, number: int) -> ReportView:
    """One exhibit of a finding, to be shown alone. Raises NotFound."""
    exhibit_of(session, finding_id, number)
    found = audits.show_finding(session, finding_id)
    exhibits = scorecards.exhibits_out(finding_id, [exhibit.model_dump() for exhibit in found.exhibits])
    return ReportView(found, exhibits[number])


def exhibit_of(session: Session, finding_id: int, number: int) -> Mapping[str, str]:
    """One exhibit (name, media_type, digest) of a finding. Raises NotFound."""
    found = session.get(Finding, finding_id)
    if found is None or not 0 <= number < len(found.exhibits):
        raise NotFound(f"finding {finding_id} has no exhibit {number}")
    return found.exhibits[number]


def attested_file(session: Session, attestation_id: int) -> str:
    """The digest of the file that documents an attestation. Raises NotFound."""
    row = session.get(Attestation, attestation_id)
    if row is None or row.digest is None:
        raise NotFound(f"attestation {attestation_id} has no file")
    return row.digest


def audit(session: Session, audit_id: int) -> AuditView:
    """Raises NotFound."""
    shown = audits.show(session, audit_id)
    found = {item.check_id: item for item in audit_queries.findings_of(session, audit_id)}
    asked = audit_queries.get_audit(session, audit_id).checks
    order = [test for test in TESTS if test.id in {*asked, *shown.progress, *found}]
    return AuditView(
        shown,
        [_step(test, shown.progress.get(test.id), found.get(test.id)) for test in order],
        live=shown.status in LIVE,
    )


def _step(test: RubricTest, progress: Any, found: Finding | None) -> AuditStep:
    if found is not None:
        return AuditStep(test, "done", found.verdict, found.seconds, found.id, found.reason)
    if progress is None:
        return AuditStep(test, "waiting", None, None, None, "")
    return AuditStep(test, progress.status, progress.verdict, progress.seconds, None, "")


def alerts(session: Session, params: PageParams, *, everything: bool) -> AlertsView:
    page = alert_service.list_alerts(session, None, None, params, unread=not everything)
    return AlertsView(page.items, page.next_cursor, everything)


def all_checks() -> ChecksView:
    automated = checks.discover()
    return ChecksView(
        {
            section.value: [CheckRow(test, test.id in automated) for test in TESTS if test.section == section]
            for section in Section
        }
    )


def check(test_id: str) -> CheckView:
    """Raises NotFound, naming the nearest test."""
    test = BY_ID.get(test_id)
    if test is None:
        raise NotFound(f"{test_id!r} is not a test of the rubric{nearest(test_id, BY_ID)}")
    found = checks.discover().get(test_id)
    return CheckView(
        test=test,
        blocks=explanation_of(type(found)) if found else [],
        thresholds=found.thresholds if found else {},
        window=f"{test.window_days} days" if test.window_days else "the model's own cadence",
    )
