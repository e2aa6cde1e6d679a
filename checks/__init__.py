"""The rubric as code: one file a test. ``discover()`` finds the checks; the rest of the 28 can be attested."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from checks.contract import Check, Section
from checks.explanation import explanation_of, title_of
from checks.rubric import BY_ID


@cache
def discover() -> Mapping[str, Check]:
    """Every automated check by id, in the rubric's order.

    Raises:
        ValueError: a check's id is unknown or taken, its file is not where the rubric says, or its docstring
            does not open with the test's title or lacks a part.
    """
    found: dict[str, Check] = {}
    for section in Section:
        package = importlib.import_module(f"checks.{section}")
        for info in pkgutil.iter_modules(package.__path__, f"checks.{section}."):
            for check in _checks_in(info.name):
                _require_true_to_rubric(check, info.name, found)
                found[check.id] = check()
    return MappingProxyType({test_id: found[test_id] for test_id in BY_ID if test_id in found})


def _checks_in(module_name: str) -> list[type[Check]]:
    members = vars(importlib.import_module(module_name)).values()
    return [m for m in members if isinstance(m, type) and issubclass(m, Check) and m.__module__ == module_name]


def _require_true_to_rubric(check: type[Check], module_name: str, found: Mapping[str, Check]) -> None:
    test = BY_ID.get(check.id)
    if test is None:
        raise ValueError(f"{module_name}: {check.id!r} is not a test of the rubric")
    if check.id in found:
        raise ValueError(f"{module_name}: {check.id} is already checked by {type(found[check.id]).__module__}")
    if module_name != test.module:
        raise ValueError(f"{module_name}: {check.id} belongs in {test.module}")
    if title_of(check) != test.title:
        raise ValueError(f"{module_name}: the docstring must open with the title {test.title!r}")
    explanation_of(check)
