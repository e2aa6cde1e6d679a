"""Errors as problem+json (RFC 9457), and as a page for browsers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.errors import AssayError, Conflict, Invalid, NotAuthenticated, Unavailable
from app.http.html import render, wants_html
from app.http.validation import field_errors
from app.log import request_id

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "1"

_SLUGS = {kind.status: kind.slug for kind in AssayError.__subclasses__()}
_PLAINLY = {
    HTTPStatus.NOT_FOUND: "Nothing is served under this path.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not know that method; the header Allow lists those it does.",
}

_AWAY = {"42P01", "25P03"}
"""What PostgreSQL says where there are no tables, and to a writer that paused for too long."""

logger = logging.getLogger(__name__)


class ProblemField(BaseModel):
    path: str
    message: str
    line: int | None = None


class Problem(BaseModel):
    """An error. Some carry further members, which the route's own description names."""

    type: Annotated[str, Field(examples=["urn:assay:problem:not-found"])]
    title: str
    status: int
    detail: str
    errors: list[ProblemField] = []
    request_id: str | None = None


_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

PROBLEMS: dict[int | str, dict[str, Any]] = {"default": {"description": "A problem.", "content": _CONTENT}}
"""Response documentation of every route; the application adds it by itself."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the problems that a route is likely to answer with, for its ``responses``."""
    return {status: {"description": HTTPStatus(status).phrase, "content": _CONTENT} for status in statuses}


def schemas() -> dict[str, Any]:
    """The components that ``problems`` and ``PROBLEMS`` refer to."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


class Interrupted(AssayError):
    """The client went away before its request had arrived."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "interrupted"


def describe(error: Exception) -> AssayError:
    """``error`` as what a client may know of it; anything that is not foreseen becomes an internal error."""
    if isinstance(error, AssayError):
        return error
    if isinstance(error, RequestValidationError):
        errors = field_errors(error.errors())
        return Invalid("; ".join(f"{field.path}: {field.message}" for field in errors[:3]), errors)
    if isinstance(error, ClientDisconnect):
        return Interrupted()
    if isinstance(error, OperationalError | PoolTimeout | TimeoutError) or _sqlstate(error) in _AWAY:
        return Unavailable("The database is busy or cannot be reached; try again.")
    if isinstance(error, IntegrityError) and "unique" in str(error.orig).lower():
        return Conflict("Somebody else stored the same thing at the same moment; look at it and try again.")
    if _does_not_fit(error):
        return Invalid("A value does not fit into the database.")
    return AssayError("Something went wrong on our side; the log has it under this request id.")


def _does_not_fit(error: Exception) -> bool:
    """A number or a time beyond what the database, or Python in UTC, can hold."""
    if isinstance(error, StatementError) and isinstance(error.orig, OverflowError):
        return True
    return isinstance(error, DataError) or (isinstance(error, OverflowError) and "SQLite" in str(error))


def _sqlstate(error: Exception) -> str | None:
    """PostgreSQL's code of an error that SQLAlchemy passes on."""
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def problem_response(error: AssayError, headers: Mapping[str, str] | None = None) -> Response:
    body = error.problem() | {"request_id": request_id.get()}
    return _json(body, error.status, dict(headers or {}))


def handle(request: Request, error: Exception) -> Response:
    """The answer to an error raised while a request was handled."""
    known = describe(error)
    if known.status >= 500:
        logger.error("request failed: %s", known.detail, exc_info=error)
    if wants_html(request):
        if isinstance(known, NotAuthenticated) and request.method == "GET":
            return RedirectResponse(_sign_in(request), 303)
        body = known.problem()
        page = render("error.html", known.status, problem=body, request_id=request_id.get())
        page.headers.update(_to_wait(body, known.status))
        return page
    return problem_response(known)


def _sign_in(request: Request) -> str:
    """Where to sign in, and to come back from."""
    to = f"{request.url.path}{f'?{request.url.query}' if request.url.query else ''}"
    return "/sign-in" if to == "/" else f"/sign-in?to={quote(to, safe='')}"


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error with a problem."""
    app.add_exception_handler(StarletteHTTPException, _handle_http)
    for kind in (
        AssayError,
        RequestValidationError,
        ClientDisconnect,
        OperationalError,
        PoolTimeout,
        TimeoutError,
        IntegrityError,
        InternalError,
        ProgrammingError,
        DataError,
        StatementError,
        OverflowError,
    ):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    return handle(request, error)


async def _handle_http(request: Request, error: Exception) -> Response:
    """Errors of the framework itself: no such path, wrong method, a body that cannot be read."""
    if not isinstance(error, HTTPException | StarletteHTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    slug = _SLUGS.get(status.value, status.phrase.lower().replace(" ", "-"))
    detail = str(error.detail)
    body = {
        "type": f"urn:assay:problem:{slug}",
        "title": slug.replace("-", " "),
        "status": status.value,
        "detail": _PLAINLY.get(status, detail) if detail == status.phrase else detail,
        "request_id": request_id.get(),
    }
    if wants_html(request):
        return render("error.html", status.value, problem=body, request_id=request_id.get())
    return _json(body, status.value, dict(error.headers or {}))


def _json(body: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    if status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, status, _to_wait(body, status) | headers, MEDIA_TYPE)


def _to_wait(body: dict[str, Any], status: int) -> dict[str, str]:
    return {"Retry-After": str(body.get("retry_after", RETRY_AFTER))} if status in {429, 503} else {}
