"""Predictions of one recipe trained to several dates: CSV with the columns id, cutoff, prediction and score.

``cutoff`` is the last day of the training data. ``score``, the probability of the positive class, may be missing.
Labels are never taken from such a file.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, date, datetime
from io import StringIO

from app.errors import FieldError, Invalid, nearest

COLUMNS = ("id", "cutoff", "prediction", "score")
REQUIRED = COLUMNS[:3]
MOST_CUTOFFS = 50
EARLIEST = date(1970, 1, 1)

Answers = dict[str, tuple[str, float | None]]
"""By id: the prediction as text, and the score."""


def parse(content: bytes) -> dict[date, Answers]:
    """By cut-off date, oldest first, what was predicted.

    Raises:
        Invalid: not such a file; names the line.
    """
    try:
        reader = csv.DictReader(StringIO(content.decode("utf-8-sig")), strict=True)
        _require_columns(reader.fieldnames or [])
        found: dict[date, Answers] = {}
        for row in reader:
            _add(found, row, reader.line_num)
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8 text; write CSV") from None
    except csv.Error as error:
        raise _refused(str(error)) from None
    if not found:
        raise _refused("it has no rows")
    return dict(sorted(found.items()))


def _require_columns(names: object) -> None:
    given = list(names) if isinstance(names, list) else []
    if missing := [name for name in REQUIRED if name not in given]:
        raise _refused(f"there is no column {missing[0]!r}", 1)
    if unknown := [name for name in given if name not in COLUMNS]:
        raise _refused(
            f"the column {unknown[0]!r} is none of {', '.join(COLUMNS)}{nearest(unknown[0], COLUMNS)}", 1
        )


def _add(found: dict[date, Answers], row: dict[str, str], line: int) -> None:
    if None in row or None in row.values():
        raise _refused("it has more or fewer fields than there are columns", line)
    cutoff = _date(row["cutoff"], line)
    answers = found.setdefault(cutoff, {})
    if len(found) > MOST_CUTOFFS:
        raise _refused(f"there are more than {MOST_CUTOFFS} cut-off dates", line)
    if not row["id"].strip() or not row["prediction"].strip():
        raise _refused("an id or a prediction is empty", line)
    if row["id"] in answers:
        raise _refused(f"an id is there twice for {cutoff}", line)
    answers[row["id"]] = row["prediction"].strip(), _score(row.get("score", ""), line)


def _date(text: str, line: int) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise _refused(f"the cutoff {text[:40]!r} is no date such as 2026-03-31", line) from None
    if not EARLIEST <= found <= datetime.now(UTC).date():
        raise _refused(f"the cutoff {text[:40]} lies before 1970 or in the future", line)
    return found


def _score(text: str, line: int) -> float | None:
    if not text.strip():
        return None
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 1:
        raise _refused(f"the score {text[:40]!r} is no probability", line)
    return score


def _refused(message: str, line: int | None = None) -> Invalid:
    where = f" in line {line}" if line else ""
    return Invalid(f"These are not staleness predictions{where}: {message}.", [FieldError("", message, line)])
