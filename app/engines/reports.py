"""What the reports of other libraries have in common: a bounded sample, and a line that says so on the report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration, Feature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NUMERIC = ("number", "integer")
CATEGORICAL = ("boolean", "category")

_BODY = re.compile(rb"<body[^>]*>", re.IGNORECASE)
_BANNER = (
    '<p id="assay-sample" style="all:initial;display:block;padding:12px 16px;background:#fff3cd;color:#222;'
    'border-bottom:2px solid #8a6d00;font:15px/1.5 sans-serif">{}</p>'
)


@dataclass(frozen=True)
class Side:
    """Rows that a report looks at. ``name`` tells what one row is and where it is from, in the plural."""

    name: str
    frame: pd.DataFrame = field(repr=False)

    def sampled(self, most: int) -> Side:
        """At most so many rows, drawn with a fixed seed, in their order; the name says of how many."""
        positions = drawn(len(self.frame), most)
        name = f"{len(positions):,} of {len(self.frame):,} {self.name}"
        return Side(name, self.frame.iloc[positions].reset_index(drop=True))


def drawn(rows: int, most: int) -> np.ndarray:
    """(min(rows, most),) positions drawn without replacement, ascending; the same every time."""
    import numpy as np

    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


def shown_features(declared: Declaration, *frames: pd.DataFrame) -> list[Feature]:
    """Numbers and categories of the signature that every frame has, with a value at least.

    Masked columns never reach a library: its report shows values.
    """
    return [
        feature
        for feature in declared.features
        if feature.type in (*NUMERIC, *CATEGORICAL)
        and feature.name not in declared.masked
        and all(feature.name in frame and frame[feature.name].notna().any() for frame in frames)
    ]


def comparable_side(frame: pd.DataFrame, features: list[Feature]) -> pd.DataFrame:
    """The features as numbers and texts; a category's missing values stay missing."""
    from checks.methods.columns import comparable

    columns: dict[str, Any] = {
        one.name: comparable(frame[one.name], "category" if one.type in CATEGORICAL else one.type)
        for one in features
    }
    import pandas as pd

    return pd.DataFrame(columns, index=frame.index)


def with_banner(html: str, text: str) -> bytes:
    """The report with ``text`` as its first visible line."""
    content = html.encode()
    banner = _BANNER.format(escape(text)).encode()
    body = _BODY.search(content)
    at = body.end() if body else 0
    return content[:at] + banner + content[at:]
