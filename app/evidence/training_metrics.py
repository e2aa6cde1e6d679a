"""Metrics that a training run logged: a JSON object, one list of numbers a metric.

NaN and Infinity are accepted as Python, Java and JavaScript write them into JSON text: to find them is the point.
"""

from __future__ import annotations

import json
from typing import Any

from app.errors import FieldError, Invalid


def parse(content: bytes) -> dict[str, tuple[float, ...]]:
    """Metric name -> one value a step.

    Raises:
        Invalid: not JSON, or not an object of lists of numbers; names the path and the line where it can.
    """
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        raise _refused("", error.msg, error.lineno) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _refused("", f"unreadable ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise _refused("", "an object of lists is due, one list of numbers a metric")
    return {name: _series(name, values) for name, values in document.items()}


def _series(name: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise _refused(name, "a list of numbers is due")
    return tuple(_number(f"{name}.{step}", value) for step, value in enumerate(values))


def _number(path: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(path, f"a number is due, not {json.dumps(value)[:40]}; write a missing one as NaN")
    try:
        return float(value)
    except OverflowError as error:
        raise _refused(path, "the number is too large") from error


def _refused(path: str, message: str, line: int | None = None) -> Invalid:
    where = f" at {path}" if path else f" in line {line}" if line else ""
    return Invalid(f"These are not training metrics{where}: {message}.", [FieldError(path, message, line)])
