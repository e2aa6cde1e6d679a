"""ONNX models, run by onnxruntime on one thread.

Inputs: one tensor (n, k) with the declared features in their order, or one input a feature, named like it, (n, 1)
or (n,). Outputs: of a classifier labels and probabilities (tensor, or a sequence of maps), of a regressor one
output, (n,) or (n, 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engines.frames import features_of, in_batches
from app.engines.onnx_file import read_model
from app.engines.onnx_inputs import column_tensor, matrix_tensor
from checks.contract import Missing
from checks.evidence import Declaration, Predictions, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ESTIMATORS = ("Classifier", "Regressor", "TreeEnsemble")
PROBABILITY_TOLERANCE = 1e-3
"""How far the probabilities of a row may add up beside 1; scores that are no probabilities are further off."""


def load(path: Path, declared: Declaration) -> OnnxPredictor:
    """The model, ready to predict frames with the declared features.

    Raises:
        Invalid: see ``read_model``.
        Missing: its inputs are not the declared features.
    """
    model = read_model(path)
    return OnnxPredictor(model, declared.feature_names, declared.task)


def facts(path: Path) -> Mapping[str, Any]:
    """``model_class``, ``classes``, ``feature_names`` and ``n_features`` of the file's model, JSON-ready."""
    model = read_model(path)
    inputs = _session(model).get_inputs()
    width = inputs[0].shape[1] if len(inputs) == 1 and len(inputs[0].shape) == 2 else None
    candidates = class_lists(model)
    return {
        "model_class": model_class(model),
        "classes": list(candidates[0]) if candidates else [],
        "feature_names": [given.name for given in inputs] if len(inputs) > 1 else None,
        "n_features": len(inputs) if len(inputs) > 1 else width if isinstance(width, int) else None,
    }


def model_class(model: Any) -> str:
    """The operator of the last estimator in the graph (``TreeEnsembleClassifier``), else "onnx"."""
    kinds = [node.op_type for node in model.graph.node if node.domain == "ai.onnx.ml"]
    return next((kind for kind in reversed(kinds) if kind.endswith(ESTIMATORS)), "onnx")


def class_lists(model: Any) -> list[tuple[Any, ...]]:
    """Lists of classes that the graph names, the likeliest first: of its last nodes, then of lookup tables."""
    import onnx

    nodes = list(reversed(model.graph.node))
    labels = [a for node in nodes for a in node.attribute if a.name.startswith("classlabels_")]
    found = [tuple(label.ints) or tuple(text.decode() for text in label.strings) for label in labels]
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in nodes:
        if node.op_type == "ArrayFeatureExtractor" and node.input[0] in constants:
            values = onnx.numpy_helper.to_array(constants[node.input[0]]).ravel().tolist()
            found.append(tuple(value.decode() if isinstance(value, bytes) else value for value in values))
    return [classes for classes in found if classes]


def _session(model: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class OnnxPredictor:
    """Predicts with an ONNX model; satisfies ``checks.evidence.Predictor``."""

    def __init__(self, model: Any, names: Sequence[str], task: Task) -> None:
        self.names, self.task = list(names), task
        self._session = _session(model)
        self._inputs = self._session.get_inputs()
        self._class_lists = class_lists(model)
        if len(self._inputs) > 1 and (strange := {given.name for given in self._inputs} - set(names)):
            raise Missing(
                f"the feature {min(strange)!r}, an input of the model",
                "name each input of the model like a feature of the manifest, or give it one tensor for all",
            )

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """See ``Predictor``.

        Raises:
            Missing: a column is not there or cannot become what the model takes, or outputs are not as agreed.
        """
        return in_batches(features_of(frame, self.names), self._predict)

    def transformed(self, frame: pd.DataFrame) -> np.ndarray | None:  # noqa: ARG002 - the contract's name
        """None: an ONNX graph does not tell where preprocessing ends."""
        return None

    def _predict(self, frame: pd.DataFrame) -> Predictions:
        outputs = self._session.run(None, self._feed(frame))
        if self.task is Task.REGRESSION:
            return Predictions(_flat(outputs[0]).astype(float))
        if len(outputs) < 2:
            raise Missing(
                "labels and probabilities: the model has one output",
                "export the classifier with both outputs, labels first",
            )
        label, scores = outputs[:2]
        if isinstance(scores, list):
            return Predictions(_flat(label), *self._from_maps(scores))
        return Predictions(_flat(label), *self._from_tensor(scores))

    def _feed(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        if len(self._inputs) == 1:
            return {self._inputs[0].name: matrix_tensor(frame, self._inputs[0])}
        return {given.name: column_tensor(frame[given.name], given) for given in self._inputs}

    def _from_maps(self, scores: list[dict[Any, float]]) -> tuple[np.ndarray | None, tuple[Any, ...]]:
        import numpy as np

        classes = tuple(scores[0]) if scores else ()
        return _probabilities(np.array([[row[name] for name in classes] for row in scores])), classes

    def _from_tensor(self, scores: np.ndarray) -> tuple[np.ndarray | None, tuple[Any, ...]]:
        width = scores.shape[1] if scores.ndim == 2 else 1
        proba = _probabilities(scores) if width > 1 else None
        classes = next((names for names in self._class_lists if len(names) == max(width, 2)), ())
        if proba is not None and not classes:
            raise Missing(
                f"the classes of the model's {width} columns of probabilities",
                "export the classifier with ZipMap, or by a converter that writes class labels",
            )
        return proba, classes


def _flat(output: Any) -> np.ndarray:
    """(n,) of an output (n,) or (n, 1)."""
    import numpy as np

    array = np.asarray(output)
    if array.ndim > 1 and array.size != len(array):
        raise Missing("one prediction a row: the model has several outputs", "register one model an output")
    return array.reshape(-1)


def _probabilities(scores: np.ndarray) -> np.ndarray | None:
    """The scores when they are probabilities: not negative, rows add up to 1. Rows that are not finite stay."""
    import numpy as np

    finite = scores[np.isfinite(scores).all(axis=1)]
    beside = np.abs(finite.sum(axis=1) - 1)
    sound = (finite >= -PROBABILITY_TOLERANCE).all() and (beside <= PROBABILITY_TOLERANCE).all()
    return scores.astype(float) if sound else None
