"""The SQL of column profiles. Columns have names of ours here, c0, c1 ...: what files call them is never in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from checks.evidence import Feature

CATEGORICAL = ("category", "text")
_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE = (*_SIGNED, *(f"U{kind}" for kind in _SIGNED))
_FRACTIONAL = ("FLOAT", "DOUBLE", "DECIMAL")
_INFINITE = "CAST('inf' AS DOUBLE)"


@dataclass(frozen=True)
class Part:
    """Files of one schema, attached as the view ``view``: name of a column -> (our name for it, DuckDB's type)."""

    view: str
    columns: Mapping[str, tuple[str, str]]


def expression(part: Part, feature: Feature) -> str:
    """The feature's cells as DOUBLE (infinite: not of the declared type) or as VARCHAR, null where missing."""
    if feature.name not in part.columns:
        return "CAST(NULL AS VARCHAR)" if feature.type in CATEGORICAL else "CAST(NULL AS DOUBLE)"
    column, kind = part.columns[feature.name]
    if feature.type == "text" and not kind.startswith(("VARCHAR", "ENUM")):
        return _refused(column)
    if feature.type in CATEGORICAL:
        return _text(column, kind)
    number = f"CAST({column} AS DOUBLE)"
    if feature.type == "datetime":
        return _or_infinite(column, epoch((column, kind), "epoch")) if _is_time(kind) else _refused(column)
    if feature.type == "boolean" and kind == "BOOLEAN":
        return number
    if not kind.startswith((*_WHOLE, *_FRACTIONAL)):
        return _refused(column)
    if feature.type == "boolean":
        return f"CASE WHEN {column} IS NULL OR {column} IN (0, 1) THEN {number} ELSE {_INFINITE} END"
    if feature.type == "integer" and kind.startswith(_FRACTIONAL):
        whole = f"{column} IS NULL OR isnan({number}) OR {number} = trunc({number})"
        return f"CASE WHEN {whole} THEN {number} ELSE {_INFINITE} END"
    return number


def _text(column: str, kind: str) -> str:
    """As ``checks.methods.schema.as_category``: whole floats without their ".0", truths as Python writes them."""
    plain = f"CAST({column} AS VARCHAR)"
    if kind == "BOOLEAN":
        return f"CASE {column} WHEN true THEN 'True' WHEN false THEN 'False' END"
    if not kind.startswith(("FLOAT", "DOUBLE")):
        return plain
    whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
    integer = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
    return f"CASE WHEN isnan({column}) THEN NULL WHEN {whole} THEN {integer} ELSE {plain} END"


def _refused(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN {_INFINITE} END"


def _or_infinite(column: str, value: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN coalesce({value}, {_INFINITE}) END"


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE", "VARCHAR"))


def is_whole(kind: str) -> bool:
    return kind.startswith(_WHOLE)


def epoch(column: tuple[str, str], function: str) -> str:
    """Since 1970 in UTC. Text is ISO 8601; times without a zone are taken as UTC."""
    name, kind = column
    if kind == "VARCHAR":
        return f"{function}(TRY_CAST({name} AS TIMESTAMPTZ))"
    zoned = kind == "TIMESTAMP WITH TIME ZONE" or kind.startswith("TIMESTAMPTZ")
    return f"{function}(CAST({name} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'}))"


def microseconds(time: datetime) -> int:
    """Since 1970, UTC."""
    return round(time.timestamp() * 1_000_000)
