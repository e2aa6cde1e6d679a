"""The process that reads one file of predictions or labels from elsewhere: request on stdin, answer on stdout.

Predictions are left in its folder as Parquet, beside their ids and times as JSON; labels as JSON. So whoever
started it has nothing to parse but JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from app import sandbox
from app.catalog.inspector import DATASETS, answer, require_kind
from app.engines.prediction_file import Layout
from app.errors import Invalid

ACCEPTED = DATASETS | {"json-lines"}
INSPECTOR = "app.monitoring.inspector"
LOG_FILE, INDEX_FILE, LABELS_FILE, ROWS_FILE = "log.parquet", "index.json", "labels.json", "rows.json"


def main() -> None:
    sandbox.confine_from_arguments()
    with sandbox.take_stdout() as answers:
        answers.write(json.dumps(examine(json.load(sys.stdin))).encode())


def examine(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read a file, or some rows of one that was read before.

    Args:
        request: ``what`` (predictions, labels, rows, kept or shown), ``path``, ``filename``, and ``layout``, the
            positions ``keep``, or the prediction ``ids``.

    Returns:
        ``{"facts": {...}}`` or ``{"refused": reason}``.
    """
    path = Path(request["path"])
    if request["what"] == "rows":
        return answer(lambda *_: _some_rows(path, request["keep"]), path, path.name)
    if request["what"] == "kept":
        return answer(lambda *_: _kept(path, request["ids"]), path, path.name)
    if request["what"] == "shown":
        return answer(lambda *_: _shown(path, request["ids"]), path, path.name)
    look = _predictions if request["what"] == "predictions" else _labels
    layout = _layout(request["layout"])
    return answer(lambda path, name: look(path, name, layout), path, Path(request["filename"]).name)


def _layout(given: Mapping[str, Any]) -> Layout:
    known = {field.name: given[field.name] for field in fields(Layout)}
    return Layout(**known | {"latest": datetime.fromisoformat(given["latest"]), "also": tuple(given["also"])})


def _predictions(path: Path, filename: str, layout: Layout) -> dict[str, Any]:
    from app.engines.prediction_file import normalised
    from app.engines.prediction_log import index_of, parquet
    from app.engines.tabular import read_upload

    table = normalised(read_upload(path, require_kind(path, filename, ACCEPTED)), layout)
    Path(LOG_FILE).write_bytes(parquet(table))
    Path(INDEX_FILE).write_text(json.dumps(index_of(table, layout.person)))
    return {"rows": table.num_rows}


def _labels(path: Path, filename: str, layout: Layout) -> dict[str, Any]:
    from app.engines.prediction_file import labels_in
    from app.engines.tabular import read_upload

    labels = labels_in(read_upload(path, require_kind(path, filename, ACCEPTED)), layout)
    Path(LABELS_FILE).write_text(json.dumps(labels, default=str))
    return {"rows": len(labels["id"])}


def _kept(path: Path, ids: list[str]) -> dict[str, Any]:
    """Leave the rows with these ids, in their order; each must be there."""
    from app.engines.prediction_log import parquet, read_parquet, rows_with

    table = rows_with(read_parquet(path), ids)
    if table.num_rows != len(ids):
        raise Invalid(f"of {len(ids)} predictions {table.num_rows} are in the file")
    Path(LOG_FILE).write_bytes(parquet(table))
    return {"rows": table.num_rows}


def _shown(path: Path, ids: list[str]) -> dict[str, Any]:
    """The rows with these ids as they are."""
    from app.engines.prediction_log import read_parquet, rows_with

    Path(ROWS_FILE).write_text(json.dumps(rows_with(read_parquet(path), ids).to_pylist(), default=str))
    return {"rows": len(ids)}


def _some_rows(path: Path, keep: list[int]) -> dict[str, Any]:
    from app.engines.prediction_log import parquet, read_parquet

    Path(LOG_FILE).write_bytes(parquet(read_parquet(path), keep))
    return {"rows": len(keep)}


if __name__ == "__main__":
    main()
