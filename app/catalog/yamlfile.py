"""YAML that a person wrote: parsed safely, every value traceable to its line, every unknown key to a known one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from app.errors import FieldError, Invalid

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


def refuse(filename: str, errors: list[FieldError]) -> Invalid:
    """The error that lists them all, each as ``file:line: path: message``."""
    listed = [f"{filename}:{e.line}: {e.path}: {e.message}" if e.line else f"{e.path}: {e.message}" for e in errors]
    return Invalid("\n".join(listed), errors)
