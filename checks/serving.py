"""The evidence a check may ask for of a version that serves: traffic, labels, operation. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from checks.contract import Exhibit
from checks.evidence import HandedIn, Predictions, Slice

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ID, AT, PREDICTION, SCORE, LATENCY, ROLE, LABEL = (
    "assay.id",
    "assay.at",
    "assay.prediction",
    "assay.score",
    "assay.latency_ms",
    "assay.role",
    "assay.label",
)
"""Columns of logged predictions, beside the features under their own names: prediction id, time (UTC), answer,
probability of the positive class (binary task, else missing), milliseconds to answer, traffic role, label.
"""


@dataclass(frozen=True)
class Moment:
    """The time as which an audit looks at the world (UTC): the end of its window, else when it began."""

    at: datetime


@dataclass(frozen=True)
class Window:
    """What one version answered in one environment from ``start`` (inclusive) to ``end`` (exclusive), UTC."""

    environment: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class ServingLog:
    """Logged predictions: one row a prediction, oldest first, with the columns named above.

    ``frame`` holds at most the newest 200,000 of ``rows``. Missing when nothing was logged in the window.
    """

    window: Window
    frame: pd.DataFrame = field(repr=False)
    rows: int
    digest: str


@dataclass(frozen=True)
class LabelledServing:
    """The logged predictions whose label is known, ``LABEL`` beside the columns of ``ServingLog``.

    ``coverage``: labelled / logged in the window. Missing when no label is known.
    """

    window: Window
    frame: pd.DataFrame = field(repr=False)
    rows: int
    coverage: float


@dataclass(frozen=True)
class ColumnProfile:
    """Counts of one column over some twenty bins, mergeable: those of two parts add up to those of the whole.

    ``counts``: rows in each bin. A number's bins lie between ``edges``, equal shares of the reference, with one
    below the first and one from the last on; a category's bins are ``categories``, the reference's most frequent,
    and one of all others. ``missing`` are nulls and NaN, and in no bin; ``unreadable``, ``below``, ``above``,
    ``unknown`` break the declared schema: of another type, under its minimum, over its maximum, none of its
    categories. ``mean`` and ``std`` are None for categories.
    """

    rows: int
    missing: int
    unreadable: int
    below: int
    above: int
    unknown: int
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True)
class InputProfiles:
    """All of the signature's columns, in all rows of the window and of the reference (``ReferenceData`` if the
    version has it, else its training data).

    ``absent``: which side, "reference" or "serving", does not have
    a column at all; it has no profile.

    ``wasserstein``: distance of a number's two distributions in units of the reference's standard deviation;
    ``jensen_shannon``: distance (square root, natural logarithm, 0 to 0.83). Both by column, as Evidently 0.7
    defines them, left out where they have no meaning.
    """

    window: Window
    reference_name: str
    reference_rows: int
    serving_rows: int
    reference: Mapping[str, ColumnProfile]
    serving: Mapping[str, ColumnProfile]
    absent: Mapping[str, str]
    wasserstein: Mapping[str, float]
    jensen_shannon: Mapping[str, float]


@dataclass(frozen=True)
class Recomputed(HandedIn):
    """Features computed anew by the training pipeline for logged predictions: column ``ID`` and the features."""

    frame: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class TrainingPeriod:
    """When the training data ends (UTC): the last time in its time column."""

    end: datetime


@dataclass(frozen=True)
class StalenessLimit:
    """The age that MODEL-4's newest conclusive finding allows: at which quality is lost or, not ``lost``, up to
    which it was seen not to be.
    """

    days: float
    finding_id: int
    lost: bool = True


@dataclass(frozen=True)
class RetrainingCadence:
    """How often the manifest says that the model is retrained."""

    days: float


@dataclass(frozen=True)
class AgedRun:
    """One training of the recipe, up to ``trained_until``, predicting the labelled rows. ``source`` names it."""

    source: str
    trained_until: datetime
    predictions: Predictions


@dataclass(frozen=True)
class AgedPredictions(HandedIn):
    """Trainings of one recipe to different cut-off dates, all scored on the same current labelled rows.

    ``labels``: (n,); ``labelled_at`` is the middle (median) of their rows' times; ``drawn_from``: labelled traffic
    of the window, or the test data. ``skipped`` says which trainings
    could not be scored and why.
    """

    labels: Any = field(default=None, repr=False)
    labelled_at: datetime | None = None
    drawn_from: str = "test data"
    runs: tuple[AgedRun, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServedVersion:
    """A version of the model: (n,) ``offline`` labels and predictions of its own test data, (m,) ``online`` ones of
    its labelled traffic, whatever its role.
    """

    version: str
    offline: tuple[np.ndarray, Predictions] = field(repr=False)
    online: tuple[np.ndarray, Predictions] = field(repr=False)


@dataclass(frozen=True)
class MetricPair:
    """An experiment's figures, both scores or both losses; ``rows`` labelled predictions lie behind ``online``."""

    name: str
    offline: float
    online: float
    rows: int


@dataclass(frozen=True)
class OfflineOnline(HandedIn):
    """Versions that were served or, where these are too few, pairs of metrics that were handed in.

    ``skipped`` says which versions could not be scored and why. Missing when there is neither.
    """

    versions: tuple[ServedVersion, ...] = ()
    pairs: tuple[MetricPair, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A library's own report over a bounded sample, as an exhibit; says what it was drawn from.

    ``tests``: name -> passed, of the library's own tests.
    """

    exhibit: Exhibit
    library: str
    sample_rows: int
    drawn_from: str
    tests: Mapping[str, bool]


class DriftReport(Report):
    """Evidently's, of the window's inputs against the reference."""


class QualityReport(Report):
    """Evidently's, of the window's labelled predictions against the reference."""


class FullSuite(Report):
    """deepchecks' full suite on training and test data."""


@dataclass(frozen=True)
class WeakSegments:
    """Regions in which ``library`` found the model to do worst, at most two columns each, weakest first.

    Only the rows of ``checks.methods.slices.search_half`` were looked at, ``searched_rows`` of them, so that the
    other half can judge.
    """

    segments: tuple[Slice, ...]
    library: str
    searched_rows: int = 0
