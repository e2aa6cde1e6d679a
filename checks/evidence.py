"""The evidence a check may ask for, by type. Where it comes from is not its business: no I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

type_names = ("number", "integer", "category", "boolean", "text", "datetime")


class Task(StrEnum):
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Feature:
    """One input column of the model and what is expected of it.

    ``type`` is one of ``type_names``. ``min`` and ``max`` are inclusive; ``categories`` lists every value
    allowed; ``None`` means that nothing was declared. ``cost`` is per prediction; ``upstream`` names what it
    depends on.
    """

    name: str
    type: str
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    nullable: bool | None = None
    source: str | None = None
    cost: float | None = None
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """A named subset of rows in which all conditions hold.

    ``where`` maps a column to a value, to a list of values of which one holds, or to {"min": a, "max": b},
    meaning a <= x < b.
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
    ``banned`` adds names to those that the organisation bans. ``personal`` columns may hold personal data; the
    values of ``person_column`` name people. ``withheld``: columns that the organisation calls sensitive.
    ``tunables`` are the chosen hyperparameters; ``stages`` and ``cadence_days`` describe the ``pipeline``.
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
    personal: tuple[str, ...] = ()
    tunables: Mapping[str, Any] = field(default_factory=dict)
    pipeline: str | None = None
    stages: tuple[str, ...] = ()
    cadence_days: float | None = None
    protected_branch: str = "main"
    feature_paths: tuple[str, ...] = ()
    person_column: str | None = None
    withheld: tuple[str, ...] = ()

    @property
    def masked(self) -> frozenset[str]:
        """The columns whose values no finding, report or message may show."""
        return frozenset({*self.personal, *self.sensitive, *self.withheld})

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

    ``incumbent`` is the one this version would replace: what takes the stable traffic, else the newest that the
    gate let pass. ``skipped`` says which could not be re-scored and why.
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
    personal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Acceptances:
    """What two people agreed to accept of this model when the audit was queued. Always available, may be empty.

    ``until``: by test id, by subject (a feature or column), the day on which the acceptance expires, ISO 8601.
    """

    until: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, test_id: str) -> dict[str, str]:
        """Subject -> last day, of one test."""
        return dict(self.until.get(test_id, {}))


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
