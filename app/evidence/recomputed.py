"""Features computed anew by the training pipeline for logged predictions: a table with their ids."""

from __future__ import annotations

from collections.abc import Collection

from app.errors import Invalid
from checks.serving import ID

KIND = "recomputed-features"


def id_column(columns: Collection[str], declared: str | None) -> str:
    """Which column holds the prediction's id: ``assay.id``, the manifest's id column, or ``id``.

    Raises:
        Invalid: none of them is there.
    """
    names = dict.fromkeys(name for name in (ID, declared, "id") if name)
    found = next((name for name in names if name in columns), None)
    if found is None:
        raise Invalid(f"there is no column of prediction ids; it is called {' or '.join(names)}")
    return found
