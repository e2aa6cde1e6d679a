"""The process that looks into one uploaded file: request on stdin, facts or the reason of a refusal on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app import sandbox
from app.engines import kinds
from app.errors import Invalid

MODELS = frozenset({"skops", "onnx"})
DATASETS = frozenset({"parquet", "csv", "arrow"})
TEXTS = frozenset({"csv", "json-lines"})
"""Formats that begin with anything."""

PICKLE_WAYS_OUT = (
    "loading it would run code, so it is never loaded. Save the model with skops "
    '(skops.io.dump(model, "model.skops")), export it to ONNX (skl2onnx.to_onnx), or register predictions only '
    "(version.predictions_only: true, with prediction columns in the test data)"
)


def main() -> None:
    sandbox.confine_from_arguments()
    with sandbox.take_stdout() as answers:
        answers.write(json.dumps(examine(json.load(sys.stdin))).encode())


def examine(request: Mapping[str, str]) -> dict[str, Any]:
    """What is in a file, or why it is refused.

    Args:
        request: ``what`` ("model" or "dataset"), ``path``, and ``filename`` as the user calls it.

    Returns:
        ``{"facts": {...}}`` or ``{"refused": reason}``.
    """
    look = _model if request["what"] == "model" else _dataset
    return answer(look, Path(request["path"]), Path(request["filename"]).name)


def answer(look: Callable[[Path, str], dict[str, Any]], path: Path, filename: str) -> dict[str, Any]:
    """What ``look`` finds in a file, or why it is refused, as ``examine`` returns it."""
    try:
        return {"facts": look(path, filename)}
    except Invalid as error:
        reason = error.detail
    except MemoryError:
        reason = "reading it takes more memory than is allowed here"
    except RecursionError:
        reason = "it is nested too deeply"
    except Exception as error:  # noqa: BLE001 - whatever a library says of a malformed file
        lines = str(error).splitlines() or [""]
        reason = f"it cannot be read: {type(error).__name__}: {lines[0][:300]}"
    return {"refused": f"{filename}: {reason}"}


def _model(path: Path, filename: str) -> dict[str, Any]:
    kind = require_kind(path, filename, MODELS)
    from app.engines import models

    return {"format": kind, **models.facts(path, kind)}


def _dataset(path: Path, filename: str) -> dict[str, Any]:
    kind = require_kind(path, filename, DATASETS)
    from app.engines import tabular

    table = tabular.look_into(path, kind)
    return {"format": kind, "rows": table.rows, "columns": table.columns}


def require_kind(path: Path, filename: str, accepted: frozenset[str]) -> str:
    """What name and content agree on.

    Raises:
        Invalid: they do not agree, or on something that is not accepted; both are named.
    """
    suffix, kind = Path(filename).suffix.lower(), kinds.recognise(path)
    named = kinds.EXTENSIONS.get(suffix)
    if kind == "unknown" and accepted is MODELS:
        kind = _unmarked_model(path, named)
    if kind in kinds.PICKLES:
        raise Invalid(f"this is {kinds.NAMES[kind]}: {PICKLE_WAYS_OUT}")
    if named not in accepted:
        endings = ", ".join(ending for ending, name in kinds.EXTENSIONS.items() if name in accepted)
        ending, content = suffix or "nothing", kinds.NAMES[kind]
        raise Invalid(f"the name ends with {ending!r}, accepted are {endings}; the content is {content}")
    if kind == "unknown" and named in TEXTS:
        return named
    if kind != named:
        raise Invalid(f"the name says {kinds.NAMES[named]}, but the content is {kinds.NAMES[kind]}")
    return named


def _unmarked_model(path: Path, named: str | None) -> str:
    """Tells ONNX and old pickles, which begin like anything, from what is really unknown."""
    from app.engines import onnx_file

    if named == "onnx":
        onnx_file.check_size(path)
    if onnx_file.is_onnx(path):
        return "onnx"
    return "pickle" if kinds.looks_like_text_pickle(path) else "unknown"


if __name__ == "__main__":
    main()
