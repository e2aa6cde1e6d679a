"""scikit-learn models saved with skops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engines.frames import features_of, in_batches
from app.engines.skops_file import check_file
from app.engines.skops_types import trusted
from app.errors import Invalid
from checks.contract import Missing
from checks.evidence import Declaration, Predictions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_DENSE_CELLS = 50_000_000
"""Of transformed inputs that come as a sparse matrix."""


def load_estimator(path: Path) -> Any:
    """The fitted estimator in a skops file, checked before, while and after it is built.

    Raises:
        Invalid: not a skops file, types that are not trusted, damaged contents, or nothing that predicts.
    """
    check_file(path)
    import skops.io

    from app.engines.soundness import make_sound

    model = skops.io.load(path, trusted=trusted())
    make_sound(model)
    _require_predictor(model)
    return model


def load(path: Path, declared: Declaration) -> SkopsPredictor:
    """The model, ready to predict frames with the declared features.

    Raises:
        Invalid: see ``load_estimator``.
    """
    return SkopsPredictor(load_estimator(path), declared.feature_names)


def facts(path: Path) -> Mapping[str, Any]:
    """``model_class``, ``classes``, ``feature_names`` and ``n_features`` of the file's model, JSON-ready."""
    model = load_estimator(path)
    names = getattr(model, "feature_names_in_", None)
    return {
        "model_class": type(final_estimator(model)).__name__,
        "classes": list(_classes(model)),
        "feature_names": None if names is None else [str(name) for name in names],
        "n_features": None if (count := getattr(model, "n_features_in_", None)) is None else int(count),
    }


def final_estimator(model: Any) -> Any:
    """The estimator that computes the prediction: out of pipelines, searches, calibration, targets, thresholds."""
    while (inner := _inner(model)) is not None:
        model = inner
    return model


def _inner(model: Any) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.feature_selection import RFE
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.pipeline import Pipeline

    if isinstance(model, Pipeline):
        return model.steps[-1][1]
    if isinstance(model, CalibratedClassifierCV):
        return model.calibrated_classifiers_[0].estimator
    if isinstance(model, BaseSearchCV):
        return model.best_estimator_
    if isinstance(model, TransformedTargetRegressor):
        return model.regressor_
    return (
        model.estimator_ if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV | RFE) else None
    )


class SkopsPredictor:
    """Predicts with a scikit-learn estimator; satisfies ``checks.evidence.Predictor``."""

    def __init__(self, model: Any, names: list[str]) -> None:
        self.model = model
        self.names = names
        self.classes = _classes(model)
        fitted_on = getattr(model, "feature_names_in_", None)
        self._fitted_on = None if fitted_on is None else [str(name) for name in fitted_on]

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """See ``Predictor``. Raises Missing when a column of the signature is not there."""
        return in_batches(features_of(frame, self.names), self._predict)

    def transformed(self, frame: pd.DataFrame) -> np.ndarray | None:
        """(n, m) inputs of the final estimator as all other steps of a pipeline make them; None without such."""
        import numpy as np
        from scipy.sparse import issparse
        from sklearn.pipeline import Pipeline

        pipeline = getattr(self.model, "best_estimator_", self.model)
        if not isinstance(pipeline, Pipeline) or len(pipeline.steps) < 2:
            return None
        made = pipeline[:-1].transform(self._inputs(features_of(frame, self.names)))
        if issparse(made):
            if made.shape[0] * made.shape[1] > MAX_DENSE_CELLS:
                return None
            made = made.toarray()
        array = np.asarray(made)
        return array if np.issubdtype(array.dtype, np.number) else None

    def _predict(self, frame: pd.DataFrame) -> Predictions:
        import numpy as np

        inputs = self._inputs(frame)
        label = np.asarray(self.model.predict(inputs))
        if label.ndim == 2 and label.shape[1] == 1:
            label = label[:, 0]
        if label.ndim != 1:
            raise Missing("one prediction a row: the model has several outputs", "register one model an output")
        if not self.classes or not hasattr(self.model, "predict_proba"):
            return Predictions(label, None, self.classes)
        return Predictions(label, np.asarray(self.model.predict_proba(inputs)), self.classes)

    def _inputs(self, frame: pd.DataFrame) -> Any:
        """The frame as the model was fitted: by name and in that order, as plain array, or as a series of texts."""
        if self._fitted_on is not None:
            return features_of(frame, self._fitted_on)
        if _takes_text(self.model) and frame.shape[1] == 1:
            return frame.iloc[:, 0]
        return frame.to_numpy()


def _classes(model: Any) -> tuple[Any, ...]:
    """The classes in the order of predicted probabilities, as plain values; none for a regressor."""
    return tuple(value.item() if hasattr(value, "item") else value for value in getattr(model, "classes_", ()))


def _takes_text(model: Any) -> bool:
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

    first = getattr(model, "best_estimator_", model)
    while hasattr(first, "steps"):
        first = first.steps[0][1]
    return isinstance(first, CountVectorizer | HashingVectorizer)


def _require_predictor(model: Any) -> None:
    from sklearn.base import BaseEstimator, is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    if not isinstance(model, BaseEstimator) or not (is_classifier(model) or is_regressor(model)):
        raise Invalid(f"the file holds a {name}, which is neither a classifier nor a regressor")
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise Invalid(f"the {name} is not fitted") from error
    classes = getattr(model, "classes_", ())
    if isinstance(classes, list):
        raise Invalid(f"the {name} predicts several outputs; register one model an output")
