"""What a check is, what it may ask for and what it answers. No I/O happens here.

A check is one class in one file::

    class FeatureSchema(Check):
        \"""Feature expectations are captured in a schema.

        ... what the paper asks, what is measured, formula and source ...
        \"""

        id = "DATA-1"
        thresholds = {"max_failing_cells": 0.001}

        def measure(self, declared: Declaration, train: TrainingData) -> Measurement: ...
        def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement: ...

The annotations of ``measure`` say which evidence the check needs; a parameter annotated ``X | None``
is optional. Evidence that is not there makes the finding ``inconclusive`` before ``measure`` is called.
``judge`` reads only what was measured, so that other thresholds re-judge a stored finding without
running anything again.
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SEED = 28
"""Seed of everything that is drawn at random in a check, so that two audits find the same."""

CONFIDENCE = 0.95

type_names = ("number", "integer", "category", "boolean", "text", "datetime")

Measured = Mapping[str, Any]
"""JSON-ready values, as measured: counts, estimates, interval bounds; never a verdict."""
Thresholds = Mapping[str, Any]


class Verdict(StrEnum):
    """What a test found. ``none`` means that it never ran."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    NONE = "none"


class Section(StrEnum):
    DATA = "data"
    MODEL = "model"
    INFRA = "infra"
    MONITORING = "monitoring"


class Scope(StrEnum):
    """``VERSION`` evidence belongs to one version, ``SYSTEM`` evidence to the model in an environment."""

    VERSION = "V"
    SYSTEM = "S"


class Task(StrEnum):
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Missing(Exception):
    """Evidence that a check needs is not there; the finding becomes ``inconclusive``.

    ``what`` names the missing thing (with numbers where rows are missing), ``how`` tells how to provide it.
    """

    def __init__(self, what: str, how: str) -> None:
        super().__init__(what)
        self.what = what
        self.how = how


# --- what a check answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Exhibit:
    """A piece of evidence made by a check: a table, a plot, a report. Stored by content."""

    name: str
    media_type: str
    content: bytes

    @classmethod
    def table(cls, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Exhibit:
        """A table as CSV, one sequence of plain values a row."""
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        return cls(name, "text/csv", text.getvalue().encode())


@dataclass(frozen=True)
class Measurement:
    values: Measured
    exhibits: Sequence[Exhibit] = ()


@dataclass(frozen=True)
class Judgement:
    """``reason`` is a full sentence with the numbers in it; ``remedy`` says what to do next ("" on a pass)."""

    verdict: Verdict
    reason: str
    remedy: str = ""


class Check(ABC):
    """One test of the rubric. The docstring's first line is the test's title in the paper."""

    id: ClassVar[str]
    thresholds: ClassVar[Thresholds] = {}

    def measure(self, *args: Any, **kwargs: Any) -> Measurement:
        """Measure; the overriding method names the evidence it needs as annotated parameters."""
        raise NotImplementedError

    @abstractmethod
    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        """Judge what was measured. Pure: the same arguments give the same answer for ever."""


# --- the evidence a check may ask for -----------------------------------------------------------


@dataclass(frozen=True)
class Feature:
    """One input column of the model and what is expected of it.

    ``type`` is one of ``type_names``. ``min`` and ``max`` are inclusive; ``categories`` lists every value
    allowed; ``None`` means that nothing was declared.
    """

    name: str
    type: str
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    nullable: bool | None = None
    source: str | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Slice:
    """A named subset of rows in which all conditions hold.

    ``where`` maps a column to a value or to {"min": a, "max": b}, meaning a <= x < b.
    """

    name: str
    where: Mapping[str, Any]


@dataclass(frozen=True)
class Floor:
    """The quality below which the owner would not use the model, in terms of ``metric`` (see Declaration)."""

    metric: str
    value: float


@dataclass(frozen=True)
class Declaration:
    """What the manifest declares of a version. Always available.

    ``features`` are the signature, in the model's own order. ``metric`` is the declared quality metric:
    accuracy, balanced_accuracy, roc_auc, f1, log_loss, mae, rmse or r2. ``positive`` is the label value of
    the positive class (binary task), ``classes`` the order of the columns of predicted probabilities.
    ``banned`` adds names to those that the organisation bans.
    """

    model: str
    version: str
    task: Task
    label: str
    features: tuple[Feature, ...]
    metric: str
    schema_declared: bool
    floor: Floor | None = None
    positive: Any = None
    id_column: str | None = None
    time_column: str | None = None
    prediction_column: str | None = None
    probability_column: str | None = None
    sensitive: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ()
    banned: tuple[str, ...] = ()
    commit: str | None = None
    model_class: str | None = None

    @property
    def feature_names(self) -> list[str]:
        return [feature.name for feature in self.features]


@dataclass(frozen=True)
class Data:
    """A dataset in memory. ``frame`` has one row an example; ``digest`` is the sha256 of its content."""

    frame: pd.DataFrame = field(repr=False)
    digest: str


class TrainingData(Data):
    """The data set registered as ``train``: features, label, and any other declared column."""


class Holdout(Data):
    """The data set registered as ``test``, which the model has not seen in training."""


class ReferenceData(Data):
    """The data set registered as ``reference``."""


@dataclass(frozen=True)
class Predictions:
    """``label``: (n,) predicted class or value. ``proba``: (n, k) class probabilities in the order ``classes``."""

    label: np.ndarray
    proba: np.ndarray | None = None
    classes: tuple[Any, ...] = ()

    def positive_score(self, positive: Any) -> np.ndarray | None:
        """(n,) probability of the class ``positive``, or None when there are no probabilities."""
        if self.proba is None:
            return None
        column: np.ndarray = self.proba[:, self.classes.index(positive)]
        return column


class Predictor(Protocol):
    """The version's own model, ready to predict. Missing for versions registered as predictions only."""

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predict the rows of ``frame``; columns beyond the signature are ignored."""

    def transformed(self, frame: pd.DataFrame) -> np.ndarray | None:
        """(n, m) the inputs as the final estimator sees them, or None when the model does not tell."""


class HoldoutPredictions(Predictions):
    """What the version predicts for every row of ``Holdout``, in its order (own model or prediction columns)."""


@dataclass(frozen=True)
class Rescored:
    """An earlier version of the model, predicting this version's holdout anew."""

    version: str
    predictions: Predictions


@dataclass(frozen=True)
class EarlierVersions:
    """Up to five earlier versions re-scored on this holdout, newest first. Always available, may be empty.

    ``incumbent`` is the one this version would replace: the newest with a passing gate decision, else None.
    ``skipped`` says which could not be re-scored and why.
    """

    rescored: tuple[Rescored, ...] = ()
    incumbent: Rescored | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrganisationPolicy:
    """What the organisation decides over the owner's head. Missing when nobody wrote one."""

    banned_features: tuple[str, ...] = ()
    deprecated_features: tuple[str, ...] = ()
    banned_sources: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class HandedIn:
    """Evidence that came from outside. ``cap`` says why it earns 0.5 at most, or is None."""

    digest: str
    cap: str | None = None


@dataclass(frozen=True)
class TestCase:
    """One case of a JUnit report. ``outcome``: passed, failed, error or skipped. ``tags`` as reported."""

    __test__ = False  # not a test of ours, whatever pytest thinks of the name

    name: str
    outcome: str
    tags: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class UnitTests(HandedIn):
    """JUnit results of the model's own tests, for the version's commit."""

    cases: tuple[TestCase, ...] = ()


@dataclass(frozen=True)
class TrainingMetrics(HandedIn):
    """Metrics logged while training: name -> one value a step."""

    series: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
