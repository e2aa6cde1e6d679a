"""Frames as the column profiles of a window, through real files and the real engine."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from app.audits.providing.profiles import compared
from app.engines.duck import Profiles, Side, profiles
from app.engines.profiles import NumberBins, profile_categories, profile_numbers
from checks.evidence import Declaration
from checks.serving import InputProfiles, Window

WINDOW = Window("production", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC))


def profiled(declared: Declaration, reference: pd.DataFrame, serving: pd.DataFrame) -> InputProfiles:
    with TemporaryDirectory() as folder:
        sides = [_written(Path(folder) / f"{i}.parquet", one) for i, one in enumerate((reference, serving))]
        return compared(profiles(*sides, declared.features, Path(folder)), WINDOW, "training")


def counted(declared: Declaration, reference: pd.DataFrame, serving: pd.DataFrame) -> InputProfiles:
    """The same without files, for hundreds of windows: numbers and categories without missing cells only."""
    sides = [
        {one.name: _counted(one, side, reference) for one in declared.features} for side in (reference, serving)
    ]
    return compared(Profiles(*sides, {}, len(reference), len(serving)), WINDOW, "training")


def _counted(feature, frame: pd.DataFrame, reference: pd.DataFrame):
    if feature.type == "category":
        return profile_categories(pa.array(frame[feature.name]), feature)
    centre = float(reference[feature.name].median())
    return profile_numbers(frame[feature.name].to_numpy(float), NumberBins(centre))


def _written(path: Path, frame: pd.DataFrame) -> Side:
    frame.to_parquet(path)
    return Side([(path, "parquet")])
