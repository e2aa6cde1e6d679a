"""The web application, which ``assay serve`` runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.routing import Mount

import app.acceptances.routes
import app.access.oidc.routes
import app.access.oidc.sign_in
import app.access.routes
import app.access.sign_in
import app.access.team_routes
import app.alerts.routes
import app.approvals.routes
import app.audits.routes
import app.catalog.routes
import app.connections.routes
import app.delivery.routes
import app.evidence.routes
import app.gate.changes.routes
import app.gate.routes
import app.gateway.routes
import app.ledger.delivery.routes
import app.ledger.experiments.routes
import app.ledger.pipelines.routes
import app.ledger.routes
import app.monitoring.dependencies.routes
import app.monitoring.personal.routes
import app.monitoring.routes
import app.pages.routes
import app.register.routes
import app.schedules.routes
import app.scorecards.routes
import app.signing.routes
import app.training.routes
import app.uptime.routes
import app.waivers.routes
from app import log, metrics
from app.access.last_use import LastUse
from app.access.oidc.issuers import Issuers
from app.config import ROOT, Settings
from app.db import Database
from app.deps import CanRead, guard
from app.evidence.blobs import BlobStore
from app.gateway.service import Gateway
from app.http import health, problems
from app.http.bodies import Bodies
from app.http.doors import Doors, SecurityHeaders
from app.http.rates import Rates, limit_known, limit_strangers
from app.http.requests import Requests
from app.http.slots import WriteSlots

API = "/api/v1"
API_ROUTERS: tuple[APIRouter, ...] = (
    app.catalog.routes.router,
    app.evidence.routes.router,
    app.audits.routes.router,
    app.schedules.routes.router,
    app.scorecards.routes.router,
    app.gate.routes.router,
    app.gate.changes.routes.router,
    app.acceptances.routes.router,
    app.approvals.routes.router,
    app.waivers.routes.router,
    app.register.routes.router,
    app.monitoring.routes.router,
    app.monitoring.personal.routes.router,
    app.delivery.routes.router,
    app.ledger.routes.router,
    app.ledger.delivery.routes.router,
    app.ledger.experiments.routes.router,
    app.ledger.pipelines.routes.router,
    app.training.routes.router,
    app.connections.routes.router,
    app.monitoring.dependencies.routes.router,
    app.uptime.routes.router,
    app.alerts.routes.router,
    app.access.routes.router,
    app.access.oidc.routes.router,
    app.access.team_routes.router,
    app.signing.routes.router,
)
ROOT_ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    metrics.router,
    app.scorecards.routes.badge_router,
    app.access.sign_in.router,
    app.access.oidc.sign_in.router,
    app.connections.routes.hooks_router,
    *app.gateway.routes.routers,
    app.pages.routes.router,
)

THREADS = 100
"""That run routes; the slots of writes, uploads and predictions together are fewer."""

DESCRIPTION = """
Audits machine-learning models for production readiness and answers whether one may be deployed, with reasons.

Send `Authorization: Bearer asy_...`. Errors are `application/problem+json` (RFC 9457) with the path of each
field that is wrong. Lists are newest first; pass `next_cursor` as `cursor`. Times are ISO 8601 in UTC. A POST that
creates something takes an `Idempotency-Key`: sent again under the same key, it is carried out once.
"""
TAGS = [
    {"name": "catalog", "description": "Models, versions, data sets, pipelines."},
    {"name": "evidence", "description": "Files handed in for a version; attestations."},
    {"name": "audits", "description": "Runs of the checks, and what they found."},
    {"name": "schedules", "description": "Audits that nobody has to ask for."},
    {"name": "scorecards", "description": "The 28 tests of a version, scored."},
    {"name": "gate", "description": "May this version go to this environment? Policies and decisions."},
    {
        "name": "acceptances",
        "description": "Exceptions: asked for by one person, agreed to by another, for a while.",
    },
    {"name": "register", "description": "Issues, validations, retirement, and the inventory of models."},
    {"name": "delivery", "description": "Which version serves where; rollbacks and drills."},
    {"name": "ledger", "description": "The practice around models, as tools tell of it."},
    {"name": "training", "description": "Asking pipelines for new versions, and what came of it."},
    {"name": "connections", "description": "Tools that tell the ledger by signed webhooks."},
    {"name": "monitoring", "description": "What was served, what turned out to be true, what changed around it."},
    {"name": "alerts", "description": "What people are told, who is told, and whether it arrived."},
    {"name": "gateway", "description": "Predictions, by the Open Inference Protocol."},
    {"name": "access", "description": "Tokens and teams; who changed what; the keys of what is signed."},
    {"name": "operations", "description": "Health and metrics."},
]


class Application(FastAPI):
    """FastAPI, with the problems that every route may answer with in its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        known = self.openapi_schema
        document = super().openapi()
        if document is not known:
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas |= problems.schemas()
        return document


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over one database. Settings come from the environment unless given."""
    settings = settings or Settings()
    database = Database(settings.sqlalchemy_url)
    counts = metrics.Metrics(settings)
    templates: dict[int, str] = {}
    application = Application(
        title="Assay",
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url=None,  # served below, to those who may read
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(limit_strangers, scope="function"), Depends(guard), Depends(limit_known)],
        responses=problems.PROBLEMS,
        lifespan=_lifespan,
        middleware=[
            Middleware(LastUse, database=database),
            Middleware(Requests, metrics=counts, templates=templates),
            Middleware(SecurityHeaders),
            Middleware(Doors, settings=settings),
            Middleware(Bodies, settings=settings),
            Middleware(WriteSlots, patience=settings.prediction_wait_seconds),
        ],
    )
    application.state.settings = settings
    application.state.db = database
    application.state.blobs = BlobStore(settings.blob_dir)
    application.state.gateway = Gateway(database, application.state.blobs, settings, counts.predicted)
    application.state.issuers = Issuers(settings.outgoing_allowed_hosts)
    application.state.metrics = counts
    application.state.rates = Rates(settings)
    problems.install(application)
    _add_routes(application)
    templates |= _templates(application)
    return application


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    log.configure(application.state.settings.log_level)
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    await run_in_threadpool(application.state.gateway.start)
    yield
    await run_in_threadpool(application.state.gateway.stop)
    application.state.db.dispose()


def _add_routes(application: FastAPI) -> None:
    for router in API_ROUTERS:
        application.include_router(router, prefix=API)
    for router in ROOT_ROUTERS:
        application.include_router(router)
    application.add_api_route(f"{API}/openapi.json", _openapi, include_in_schema=False)
    application.mount("/static", StaticFiles(directory=ROOT / "app" / "pages" / "static"), name="static")


def _openapi(request: Request, _: CanRead) -> dict[str, Any]:
    document: dict[str, Any] = request.app.openapi()
    return document


def _templates(application: FastAPI) -> dict[int, str]:
    """The path template of each route, by its id. Routes that the guard would not see are refused."""
    templates = {}
    for context in iter_route_contexts(application.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) and not (isinstance(route, Mount) and route.path == "/static"):
            raise TypeError(f"{context.path} is no API route, so nothing would check who calls it")
        templates[id(route)] = str(context.path)
    return templates
