"""Templates and the words that they share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from app.config import ROOT
from app.ledger.reading.delivery.bands import words as words_of

SCORES = {0: "0", 0.5: "½", 1: "1"}
VERDICTS = {
    "pass": ("✓", "pass"),
    "fail": ("✕", "fail"),
    "inconclusive": ("?", "inconclusive"),
    "error": ("!", "error"),
    "not_applicable": ("—", "not applicable"),
    "none": ("○", "no evidence"),
    "unknown": ("?", "unknown"),
    "met": ("✓", "met"),
    "missing": ("✕", "missing"),
    "in_progress": ("…", "in progress"),
    "queued": ("…", "queued"),
    "running": ("…", "running"),
    "succeeded": ("✓", "completed"),
    "failed": ("!", "failed"),
    "cancelled": ("—", "cancelled"),
    "up": ("✓", "up"),
    "down": ("✕", "down"),
}
"""Sign and words of every verdict and status: colour is never the only difference."""


def page(template: str, view: object, status: int = 200) -> Response:
    """The page of ``template`` over a view (see ``app.pages.views``)."""
    return HTMLResponse(_environment().get_template(template).render(view=view), status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": age,
        "duration": words_of,
        "moment": moment,
        "number": number,
        "percent": percent,
        "test_score": lambda score: SCORES[score],
        "short": lambda digest: str(digest)[:12],
        "pretty": lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
        "web_link": web_link,
        "code": code,
        "words": lambda text: str(text).replace("_", " "),
    }
    environment.globals["signs"] = VERDICTS
    return environment


def age(days: float | None) -> str:
    """How long ago, in the largest unit that fits: "just now", "12 min", "5 h", "3 d"."""
    if days is None:
        return "never"
    minutes = days * 24 * 60
    for size, unit in ((24 * 60, "d"), (60, "h"), (1, "min")):
        if minutes >= size:
            return f"{minutes / size:.0f} {unit}"
    return "just now"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def percent(share: float | None) -> str:
    """A share in percent, cut and not rounded: 99.999 % is not 100 %."""
    return "unknown" if share is None else f"{int(share * 10_000) / 100:.2f} %"


def number(value: Any) -> str:
    """A value as measured, in at most six digits where it is a fraction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple) and all(not isinstance(item, list | tuple | Mapping) for item in value):
        return ", ".join(number(item) for item in value) or "none"
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def web_link(address: str | None) -> str | None:
    """The address if a browser may follow it; a script's is none."""
    return address if address and address.startswith(("https://", "http://")) else None


def code(text: str) -> Markup:
    """Text in which ``names`` are set as code, between one backtick or two."""
    parts = text.replace("``", "`").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )
