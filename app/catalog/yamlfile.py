"""YAML that a person wrote: parsed safely, every value traceable to its line, every unknown key to a known one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from app.errors import FieldError, Invalid, nearest

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 32
PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


def load(text: str, filename: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Parse a YAML mapping.

    Returns:
        The data and, for every dotted path in it (``features.3.type``), the line it stands on, from 1.

    Raises:
        Invalid: not YAML, not a mapping, a key given twice, an alias (which could unfold without end), or
            nested deeper than ``MAX_DEPTH``; the message names file and line.
    """
    if len(text) > MAX_CHARACTERS:
        raise Invalid(f"{filename}: longer than {MAX_CHARACTERS} characters")
    lines: dict[str, int] = {}
    try:
        _refuse_aliases(text, filename)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = _construct(node, "", lines, filename) if node else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise _invalid(filename, "", str(problem), line) from None
    if not isinstance(data, dict):
        raise _invalid(filename, "", "a mapping of keys to values is expected", 1)
    return data, lines


def _refuse_aliases(text: str, filename: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _invalid(filename, "", "aliases (*name) are not accepted", _line(event))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _invalid(filename, "", f"nested deeper than {MAX_DEPTH} levels", _line(event))


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _construct(node: yaml.Node, path: str, lines: dict[str, int], filename: str) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN_TAGS:
        raise _invalid(filename, path, f"the tag {node.tag} is not accepted", lines[path])
    if isinstance(node, yaml.MappingNode):
        data: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = _construct(key_node, f"{path}?", {}, filename)
            line = key_node.start_mark.line + 1
            if not isinstance(key, Hashable):
                raise _invalid(filename, path, "a key must be a plain value", line)
            if key in data:
                raise _invalid(filename, _join(path, key), "is given twice", line)
            data[key] = _construct(value_node, _join(path, key), lines, filename)
            lines[_join(path, key)] = line
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, _join(path, i), lines, filename) for i, item in enumerate(node.value)]
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except ValueError as error:  # such as the date 2026-02-31
        raise _invalid(filename, path, str(error), node.start_mark.line + 1) from None


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _invalid(filename: str, path: str, message: str, line: int | None) -> Invalid:
    where = f"{filename}:{line}" if line else filename
    named = f"{path}: {message}" if path else message
    return Invalid(f"{where}: {named}", [FieldError(path, message, line)])


def explain(
    error: ValidationError, model: type[BaseModel], lines: Mapping[str, int] | None = None
) -> list[FieldError]:
    """What pydantic found, in words a manifest's author can use: path, message, line and the nearest valid key."""
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


def refuse(filename: str, errors: list[FieldError]) -> Invalid:
    """The error that lists them all, each as ``file:line: path: message``."""
    listed = [f"{filename}:{e.line}: {e.path}: {e.message}" if e.line else f"{e.path}: {e.message}" for e in errors]
    return Invalid("\n".join(listed), errors)
