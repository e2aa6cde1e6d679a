"""Column profiles of the window's inputs beside the reference; features computed anew for logged predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.files import unchanged
from app.audits.providing.traffic import inputs_of, nothing_logged, paths_of, traffic_of, window_of
from app.evidence.recomputed import KIND, id_column
from checks.contract import Missing
from checks.evidence import Declaration
from checks.serving import ID, InputProfiles, Recomputed, Window

if TYPE_CHECKING:
    from app.engines.duck import Profiles

REFERENCES = {"reference": "reference", "train": "training"}
"""Roles of data sets that serving is compared with, the first that there is, and what they are called."""


def _profiles(source: Source, attempt: Attempt) -> Provided:
    from app.engines.duck import Side, profiles

    declared: Declaration = source.get(Declaration).value
    traffic = traffic_of(attempt)
    role = next((role for role in REFERENCES if role in attempt.datasets), None)
    if role is None:
        raise Missing("training data", "name it in the manifest under data.train, or data.reference")
    file = attempt.datasets[role]
    reference = Side([(unchanged(file, role), file.format)])
    serving = Side([(path, "parquet") for path in paths_of(traffic)], (traffic.start, traffic.end))
    found = profiles(reference, serving, declared.features)
    if not found.serving_rows:
        raise nothing_logged(traffic)
    value = compared(found, window_of(traffic), REFERENCES[role])
    return Provided(value, {role: file.digest, **inputs_of(traffic)})


def compared(found: Profiles, window: Window, reference_name: str) -> InputProfiles:
    """The profiles of both sides over few bins, and their distances over all that was counted."""
    from app.engines.distances import coarse, jensen_shannon, wasserstein

    pairs = {name: (found.reference[name], found.serving[name]) for name in found.reference}
    return InputProfiles(
        window=window,
        reference_name=reference_name,
        reference_rows=found.reference_rows,
        serving_rows=found.serving_rows,
        reference={name: coarse(mine, mine) for name, (mine, _) in pairs.items()},
        serving={name: coarse(its, mine) for name, (mine, its) in pairs.items()},
        absent=found.absent,
        wasserstein={name: d for name, pair in pairs.items() if (d := wasserstein(*pair)) is not None},
        jensen_shannon={name: d for name, pair in pairs.items() if (d := jensen_shannon(*pair)) is not None},
    )


def _recomputed(source: Source, attempt: Attempt) -> Provided:
    from app.engines.kinds import recognise
    from app.engines.tabular import read_frame

    file = next(iter(attempt.handed_in.get(KIND, ())), None)
    if file is None or file.path is None:
        how = f"hand them in: assay evidence push FILE --kind {KIND} --model MODEL --version VERSION"
        raise Missing("features computed anew for logged predictions", how)
    declared: Declaration = source.get(Declaration).value
    path = Path(file.path)
    frame = read_frame(path, "parquet" if recognise(path) == "parquet" else "csv")
    frame = frame.rename(columns={id_column(frame.columns, declared.id_column): ID})
    return Provided(Recomputed(file.digest, file.cap, frame), {KIND: file.digest}, file.cap)


PROVIDERS: Providers = {InputProfiles: _profiles, Recomputed: _recomputed}
