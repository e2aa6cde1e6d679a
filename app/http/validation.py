"""What pydantic found wrong, as dotted field paths with the nearest valid value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import FieldError, nearest

MOST = 50
"""Field errors told in one answer."""


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    return [FieldError(_path(error), _message(error)) for error in errors[:MOST]]


def _path(error: Mapping[str, Any]) -> str:
    """``body`` goes without saying; what stands elsewhere keeps its place: ``query.limit``."""
    location = error["loc"]
    if error["type"] == "json_invalid":
        return "body"
    if location[0] == "body":
        location = location[1:] or location
    return ".".join(str(part) for part in location)


def _message(error: Mapping[str, Any]) -> str:
    context = error.get("ctx") or {}
    if error["type"] == "json_invalid":
        return f"not valid JSON at character {error['loc'][-1]}: {context.get('error', '')}"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] in {"enum", "literal_error"}:
        valid = re.findall(r"'((?:[^'\\]|\\.)*)'", str(context.get("expected", "")))
        return message + nearest(str(error.get("input"))[:100], valid)
    return message
