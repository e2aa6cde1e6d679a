"""A version in its role, and what is logged of its answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.catalog.manifest import Manifest
from app.errors import FieldError, Invalid
from app.gateway.schemas import InferIn
from app.gateway.spool import Line
from app.serving.tensors import Columns
from app.tables import Version


@dataclass(frozen=True)
class Served:
    """A version in its role, and the one in the shadow if a copy of the request is due to it."""

    model: str
    environment: str
    role: str
    version: Version
    manifest: Manifest
    shadow: Served | None = None


def ids_of(request: InferIn, rows: int) -> list[str]:
    """The id under which each row is logged: as given, ``id-0`` and so on for several rows, or made up."""
    given = request.parameters.ids
    if given is not None:
        if len(given) != rows or len(set(given)) != rows:
            message = f"{len(set(given))} different ids for {rows} rows"
            raise Invalid(message, [FieldError("parameters.ids", message)])
        return given
    first = request.id or uuid.uuid4().hex
    return [first] if rows == 1 else [f"{first}-{row}" for row in range(rows)]


def persons_of(request: InferIn, manifest: Manifest, rows: int) -> Columns:
    """Whom each row is about, as a column of the log. Raises Invalid where that cannot be kept."""
    given, column = request.parameters.persons, manifest.columns.person
    if given is None:
        return {}
    if column is None or column == manifest.columns.id or column in {one.name for one in manifest.features}:
        message = "the manifest's columns.person names no column beside the inputs and the id"
        raise Invalid(message, [FieldError("parameters.persons", message)])
    if len(given) != rows:
        message = f"{len(given)} persons for {rows} rows"
        raise Invalid(message, [FieldError("parameters.persons", message)])
    return {column: list(given)}


def place_of(served: Served) -> Line:
    return {"version": served.version.id, "environment": served.environment, "role": served.role}


def lines_of(
    served: Served, ids: Sequence[str], at: datetime, columns: Columns, answer: dict[str, Any], latency: float
) -> list[Line]:
    place = place_of(served)
    classes, positive = answer["classes"], served.manifest.columns.positive
    lines: list[Line] = []
    for row, one in enumerate(ids):
        proba = None if answer["proba"] is None else answer["proba"][row]
        binary = proba is not None and positive in classes
        lines.append(
            {
                **place,
                "id": one,
                "request": row == 0,  # counted once, however many rows it has
                "at": at.isoformat(),
                "features": {name: values[row] for name, values in columns.items()},
                "prediction": answer["label"][row],
                "score": proba[classes.index(positive)] if proba is not None and binary else None,
                "probabilities": None
                if proba is None or binary
                else {str(name): value for name, value in zip(classes, proba, strict=True)},
                "latency_ms": latency,
            }
        )
    return lines
