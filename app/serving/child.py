"""The process of one served model: a line of JSON in, a line of JSON out, until stdin ends.

The first line names the model and is answered with its classes, or with why it cannot be served.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import sandbox
from checks.evidence import Declaration, Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LONGEST_MESSAGE = 300


def main() -> None:
    sandbox.confine_from_arguments()
    with sandbox.take_stdout() as answers:

        def say(answer: Mapping[str, Any]) -> None:
            answers.write(json.dumps(answer, allow_nan=False).encode() + b"\n")
            answers.flush()

        request = json.loads(sys.stdin.buffer.readline())
        try:
            predictor, declared = _load(request)
        except Exception as error:  # noqa: BLE001 - whatever a library says of the model
            say({"refused": _said(error)})
            return
        say({"classes": list(getattr(predictor, "classes", ()))})
        for line in sys.stdin.buffer:
            say(_answer(predictor, declared, json.loads(line)["columns"], masked=request["masked"]))


def _load(request: Mapping[str, Any]) -> tuple[Predictor, Declaration]:
    from app.catalog.declaration import declaration_of
    from app.catalog.manifest import Manifest
    from app.engines import models

    declared = declaration_of(Manifest.model_validate(request["manifest"]), request["model_class"])
    return models.load(Path(request["path"]), request["format"], declared), declared


def _answer(
    predictor: Predictor, declared: Declaration, columns: Mapping[str, list[Any]], *, masked: bool
) -> dict[str, Any]:
    """``masked``: what a library says of the inputs is kept back, since it may hold cells."""
    import numpy as np

    try:
        made = predictor.predict(frame_of(declared, columns))
    except Exception as error:  # noqa: BLE001 - the model does not take these inputs
        return {"refused": type(error).__name__ if masked else _said(error)}
    proba = made.proba
    if not _finite(made.label) or (proba is not None and not np.isfinite(proba).all()):
        return {"broken": "it answered with NaN or infinity"}
    return {
        "label": [value.item() if hasattr(value, "item") else value for value in np.asarray(made.label)],
        "proba": None if proba is None else proba.tolist(),
        "classes": [value.item() if hasattr(value, "item") else value for value in made.classes],
    }


def frame_of(declared: Declaration, columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """The columns in the types in which logged predictions are read again, so that a replay sees the same."""
    import pandas as pd

    return pd.DataFrame({f.name: _series(f.type, columns[f.name]) for f in declared.features})


def _series(kind: str, values: list[Any]) -> pd.Series[Any]:
    import pandas as pd

    gaps = any(value is None for value in values)
    if kind == "number" or (kind == "integer" and gaps):
        return pd.Series(values, dtype="float64")
    if kind == "integer":
        return pd.Series(values, dtype="int64")
    if kind == "datetime":
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601")
    if kind == "boolean" and not gaps and all(isinstance(value, bool) for value in values):
        return pd.Series(values, dtype=bool)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return pd.Series(values, dtype="int64")
    return pd.Series(values, dtype=object)


def _finite(label: np.ndarray) -> bool:
    import numpy as np

    array = np.asarray(label)
    return not np.issubdtype(array.dtype, np.floating) or bool(np.isfinite(array).all())


def _said(error: Exception) -> str:
    what = getattr(error, "what", None) or getattr(error, "detail", None) or str(error)
    return f"{type(error).__name__}: {' '.join(str(what).split())[:LONGEST_MESSAGE]}"


if __name__ == "__main__":
    main()
