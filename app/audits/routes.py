"""Audits and their findings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.audits import service
from app.audits.queries import Filters
from app.audits.schemas import AuditIn, AuditOut, FindingOut, Status
from app.deps import CanAudit, CanRead, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.paging import Cursor, Page

router = APIRouter(tags=["audits"])


@router.post("/audits", status_code=201, summary="Queue an audit")
def run(given: AuditIn, session: WriteSession, identity: CanAudit, key: IdempotencyKeyHeader = None) -> AuditOut:
    return service.request(session, identity, given, key)


@router.get("/audits", summary="Audits, newest first")
def list_audits(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    version: Annotated[str | None, Query(max_length=100)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> Page[AuditOut]:
    return service.list_audits(session, Filters(model, version, status), page)


@router.get("/audits/{audit_id}", summary="An audit and its progress")
def show(audit_id: RowId, session: ReadSession, _: CanRead) -> AuditOut:
    return service.show(session, audit_id)


@router.get("/audits/{audit_id}/findings", summary="What an audit found")
def findings(
    audit_id: RowId,
    session: ReadSession,
    _: CanRead,
    full: Annotated[bool, Query(description="With everything that was measured.")] = False,
) -> Page[FindingOut]:
    return service.list_findings(session, audit_id, full=full)


@router.post("/audits/{audit_id}/cancel", summary="Stop an audit and drop what it found so far")
def cancel(audit_id: RowId, session: WriteSession, identity: CanAudit) -> AuditOut:
    return service.cancel(session, audit_id, identity)


@router.post("/audits/{audit_id}/retry", status_code=201, summary="Queue a failed or cancelled audit again")
def retry(audit_id: RowId, session: WriteSession, identity: CanAudit, key: IdempotencyKeyHeader = None) -> AuditOut:
    return service.retry(session, audit_id, identity, key)


@router.get("/findings/{finding_id}", summary="One finding with everything that was measured")
def finding(finding_id: RowId, session: ReadSession, _: CanRead) -> FindingOut:
    return service.show_finding(session, finding_id)
