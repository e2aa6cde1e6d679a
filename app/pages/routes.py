"""Pages for people. They show what the services answer; nothing is computed here."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import AwareDatetime

from app.access import own_tokens
from app.catalog.queries import find_model, newest_version
from app.db import utcnow
from app.deps import Blobs, CanRead, Config, ReadSession, RowId, WriteSession
from app.errors import NotFound
from app.ledger.reading.delivery.periods import LONGEST, Every
from app.ledger.service import ledger_of
from app.pages import account, assemble, connections, delivery, gate, pipelines, register
from app.pages.rendering import page
from app.pages.serving import serving
from app.paging import Cursor
from app.register.queries import Filters
from app.register.schemas import Status
from app.scorecards.schemas import AsOf, EnvironmentQuery

router = APIRouter(include_in_schema=False)

UNTRUSTED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""For what checks and people made: a browser runs nothing of it."""

REPORT = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "Vary": "Sec-Fetch-Dest",
}
"""For reports of libraries, which run column names as code: an origin of their own, nowhere to send anything."""

SHOWN_AS = {"image/png": "image/png", "image/svg+xml": "image/svg+xml"}


@router.get("/")
def fleet(session: ReadSession, config: Config, cursor: Cursor, _: CanRead) -> Response:
    return page("fleet.html", assemble.fleet(session, config, cursor))


@router.get("/models/{model}")
def newest(model: str, session: ReadSession, _: CanRead) -> Response:
    """The newest version's scorecard."""
    version = newest_version(session, find_model(session, model).id)
    if version is None:
        raise NotFound(f"{model} has no version yet")
    return RedirectResponse(f"/models/{quote(model, safe='')}/versions/{quote(version.name, safe='')}", 303)


@router.get("/models/{model}/serving")
def in_service(
    model: str, session: ReadSession, config: Config, _: CanRead, before: AwareDatetime | None = None
) -> Response:
    return page("serving.html", serving(session, config, model, before))


@router.get("/models/{model}/ledger")
def ledger(
    model: str, session: ReadSession, _: CanRead, version: str | None = None, as_of: AsOf = None
) -> Response:
    return page("ledger.html", ledger_of(session, model, version, as_of or utcnow()))


@router.get("/pipelines")
def all_pipelines(session: ReadSession, cursor: Cursor, _: CanRead) -> Response:
    return page("pipelines.html", pipelines.pipelines(session, cursor))


@router.get("/connections")
def tools(session: ReadSession, config: Config, cursor: Cursor, _: CanRead) -> Response:
    return page("connections.html", connections.connections(session, config, cursor))


@router.get("/pipelines/{pipeline}")
def one_pipeline(pipeline: str, session: ReadSession, _: CanRead, as_of: AsOf = None) -> Response:
    return page("pipeline.html", pipelines.pipeline(session, pipeline, as_of))


@router.get("/delivery")
def fleet_delivery(
    session: ReadSession,
    _: CanRead,
    team: Annotated[str | None, Query(max_length=2000)] = None,
    days: Annotated[int, Query(ge=1, le=LONGEST)] = 90,
    every: Every = "month",
    as_of: AsOf = None,
) -> Response:
    return page("delivery.html", delivery.of_fleet(session, team, days, every, as_of))


@router.get("/models/{model}/delivery")
def model_delivery(
    model: str, session: ReadSession, _: CanRead, every: Every = "month", as_of: AsOf = None
) -> Response:
    return page("delivery.html", delivery.of_model(session, model, every, as_of))


@router.get("/models/{model}/versions/{version}")
def scorecard(
    model: str,
    version: str,
    session: ReadSession,
    config: Config,
    _: CanRead,
    environment: EnvironmentQuery = None,
    as_of: AsOf = None,
) -> Response:
    return page("scorecard.html", assemble.scorecard(session, config, model, version, environment, as_of))


@router.get("/findings/{finding_id}")
def finding(finding_id: RowId, session: ReadSession, blobs: Blobs, _: CanRead) -> Response:
    return page("finding.html", assemble.finding(session, blobs, finding_id))


@router.get("/findings/{finding_id}/exhibits/{number}")
def exhibit(
    finding_id: RowId, number: int, request: Request, session: ReadSession, blobs: Blobs, _: CanRead
) -> Response:
    """An exhibit: an image as itself, a report in its cage, anything else as plain text."""
    found = assemble.exhibit_of(session, finding_id, number)
    if found["media_type"] != "text/html":
        media_type = SHOWN_AS.get(found["media_type"], "text/plain; charset=utf-8")
        return Response(blobs.read(found["digest"]), media_type=media_type, headers=UNTRUSTED)
    if request.headers.get("sec-fetch-dest") == "document":
        # Alone in a tab it could lead the tab to another site, which the frame of a page of ours cannot.
        return page("report.html", assemble.report(session, finding_id, number))
    return Response(blobs.read(found["digest"]), media_type="text/html; charset=utf-8", headers=REPORT)


@router.get("/attestations/{attestation_id}/file")
def attested_file(attestation_id: RowId, session: ReadSession, blobs: Blobs, _: CanRead) -> Response:
    """To be saved, never shown: it may be anything."""
    content = blobs.read(assemble.attested_file(session, attestation_id))
    headers = UNTRUSTED | {"Content-Disposition": f'attachment; filename="attestation-{attestation_id}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/audits/{audit_id}")
def audit(audit_id: RowId, session: ReadSession, _: CanRead) -> Response:
    return page("audit.html", assemble.audit(session, audit_id))


@router.get("/decisions/{decision_id}")
def decision(decision_id: RowId, session: ReadSession, _: CanRead) -> Response:
    return page("decision.html", gate.decision(session, decision_id))


@router.get("/alerts")
def alerts(
    session: ReadSession, cursor: Cursor, _: CanRead, everything: Annotated[bool, Query(alias="all")] = False
) -> Response:
    return page("alerts.html", assemble.alerts(session, cursor, everything=everything))


@router.get("/issues")
def issues(
    session: ReadSession,
    cursor: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=200)] = None,
    status: Status | None = None,
    overdue: bool | None = None,
) -> Response:
    return page("issues.html", register.issues(session, Filters(model, status, overdue=overdue), cursor))


@router.get("/issues/{issue_id}")
def issue(issue_id: RowId, session: ReadSession, _: CanRead) -> Response:
    return page("issue.html", register.issue(session, issue_id))


@router.get("/checks")
def all_checks(_: CanRead) -> Response:
    return page("checks.html", assemble.all_checks())


@router.get("/checks/{test_id}")
def check(test_id: str, _: CanRead) -> Response:
    return page("check.html", assemble.check(test_id))


@router.get("/account")
def own_account(session: ReadSession, identity: CanRead) -> Response:
    return page("account.html", account.of(session, identity))


@router.post("/account/tokens")
def make_own_token(
    session: WriteSession, config: Config, identity: CanRead, days: Annotated[int, Form(ge=1, le=3650)]
) -> Response:
    _, secret = own_tokens.make(session, identity, days, config.token_most_days)
    return page("account.html", account.of(session, identity, secret), 201)


@router.post("/account/tokens/{token_id}/revocation")
def end_own_token(token_id: RowId, session: WriteSession, identity: CanRead) -> Response:
    own_tokens.end(session, identity, token_id)
    return RedirectResponse("/account", 303)
