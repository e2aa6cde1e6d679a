"""What pydantic found wrong, told to whoever wrote the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from app.errors import FieldError, nearest


def explain(
    error: ValidationError, model: type[BaseModel], lines: Mapping[str, int] | None = None
) -> list[FieldError]:
    """What pydantic found, in words an author can use: path, message, line and the nearest valid key."""
    return [_explain_one(dict(item), model, lines or {}) for item in error.errors(include_url=False)]


def _explain_one(item: dict[str, Any], model: type[BaseModel], lines: Mapping[str, int]) -> FieldError:
    parts = [str(part) for part in item["loc"]]
    path = ".".join(parts)
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        message = f"unknown key{nearest(parts[-1], _keys_at(model, parts[:-1]))}"
    elif kind == "missing":
        message = "is required"
    elif kind in {"enum", "literal_error"}:
        expected = str(context["expected"])
        choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
        message = f"{item['input']!r} is not one of {', '.join(choices)}{nearest(item['input'], choices)}"
    else:
        message = str(item["msg"]).removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
    return FieldError(path, message, line_of(path, lines))


def line_of(path: str, lines: Mapping[str, int]) -> int | None:
    """The line of the value at a dotted path, or of the nearest thing around it that is there."""
    parts = path.split(".")
    for end in range(len(parts), -1, -1):
        if line := lines.get(".".join(parts[:end])):
            return line
    return None


def _keys_at(model: type[BaseModel], parts: list[str]) -> list[str]:
    """The keys that are valid at a dotted path; list positions and dictionary keys are stepped over."""
    current = model
    for part in parts:
        field = current.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        current = inner or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found), None)
