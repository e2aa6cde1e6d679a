"""Cursor pagination, newest first: a page stays stable while new rows arrive."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import FieldError, Invalid

T = TypeVar("T")

MAX_LIMIT = 200


class Page(BaseModel, Generic[T]):
    """One page, newest first. ``next_cursor`` is the ``cursor`` of the next one; null: this was the last."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class PageParams:
    """``before``: only rows with a smaller id."""

    limit: int = 50
    before: int | None = None


def page_params(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
) -> PageParams:
    return PageParams(limit, None if cursor is None else decode_cursor(cursor))


Cursor = Annotated[PageParams, Depends(page_params)]


def paginate(
    session: Session, query: SelectOfScalar[T], id_column: Any, params: PageParams
) -> tuple[list[T], str | None]:
    """The rows of one page by descending ``id_column``, and the cursor of the next page or None.

    ``query`` selects one table's rows and has no order or limit of its own; ``id_column`` is that table's ``id``.
    """
    if params.before is not None:
        query = query.where(id_column < params.before)
    rows = list(session.exec(query.order_by(id_column.desc()).limit(params.limit + 1)))
    if len(rows) <= params.limit:
        return rows, None
    rows = rows[: params.limit]
    last: Any = rows[-1]
    return rows, encode_cursor(getattr(last, id_column.key))


def encode_cursor(row_id: int) -> str:
    """The cursor of the page that begins below this id."""
    return base64.urlsafe_b64encode(str(row_id).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        text = ""
    if not (text.isdecimal() and len(text) <= 18):
        raise Invalid("The cursor is not valid.", [FieldError("query.cursor", "not a cursor of this service")])
    return int(text)
