"""The few pages that exist without a domain: sign-in and errors."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse, Response

from app.config import ROOT


def wants_html(request: Request) -> bool:
    """Whether a person with a browser waits for the answer."""
    path = request.url.path
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def render(template: str, status: int = 200, **context: Any) -> Response:
    return HTMLResponse(_environment().get_template(template).render(**context), status)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=select_autoescape(default=True))
