"""What a type check cannot see: contents of a loaded scikit-learn model that lead compiled code out of bounds.

scikit-learn follows the indices in trees without looking (skops therefore trusts no tree by default), and so a
crafted file could crash or read memory at the first prediction. Here every index is compared with what it
indexes. Search trees of neighbours and splines are built again from their data, which is the same without trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.neighbors import BallTree, KDTree
from sklearn.neighbors._base import NeighborsBase
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import BaseDecisionTree

from app.errors import Invalid

QUIET = {"n_jobs": 1, "verbose": 0}
"""Processes and printing of its own have no place in a confined process."""


def make_sound(model: Any) -> None:
    """Check and, where possible, renew the parts of a model, in place.

    Raises:
        Invalid: a part is inconsistent.
    """
    for part in _parts(model):
        if issparse(part):
            _expect(part.format in {"csr", "csc"}, "sparse matrix")
            part.check_format(full_check=True)
        for kind, check in _CHECKS:
            if isinstance(part, kind):
                check(part)
        if isinstance(part, BaseEstimator):
            vars(part).update({name: value for name, value in QUIET.items() if name in vars(part)})


def _parts(model: Any) -> Iterator[Any]:
    """Every object that the model is made of, itself first, each once."""
    waiting, seen = [model], {id(model)}
    while waiting:
        part = waiting.pop()
        yield part
        for inner in _inside(part):
            if not isinstance(inner, str | bytes | int | float | None) and id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def _inside(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list | tuple | set):
        yield from part
    elif isinstance(part, np.ndarray) and part.dtype == object:
        yield from part.flat
    elif type(part).__module__.startswith("sklearn."):
        yield from getattr(part, "__dict__", {}).values()


def _expect(sound: bool | np.bool_, what: str) -> None:
    if not sound:
        raise Invalid(f"the model is damaged: its {what} is inconsistent; save it again")


def _check_nodes(
    left: np.ndarray, right: np.ndarray, feature: np.ndarray, inner: np.ndarray, features: int
) -> None:
    """Children of inner nodes come after their parent, inside the tree; features are the model's own.

    Args:
        left: (n,) index of the left child; right, feature alike.
        inner: (n,) bool, false for leaves.
    """
    own, count = np.arange(len(left))[inner], len(left)
    for child in (left[inner].astype(np.int64), right[inner].astype(np.int64)):
        _expect((child > own).all() and (child < count).all(), "tree")
    _expect((feature[inner] >= 0).all() and (feature[inner] < features).all(), "tree")


def _check_tree(tree: Any, features: int) -> None:
    _expect(0 < tree.node_count <= tree.capacity and tree.n_features == features, "tree")
    left, right = tree.children_left, tree.children_right
    inner = (left != -1) | (right != -1)
    _check_nodes(left, right, tree.feature, inner, features)


def _check_decision_tree(estimator: Any) -> None:
    if hasattr(estimator, "tree_"):
        _check_tree(estimator.tree_, estimator.n_features_in_)


def _check_forest(forest: Any) -> None:
    for estimator in getattr(forest, "estimators_", ()):
        _check_tree(estimator.tree_, forest.n_features_in_)


def _check_boosting(model: Any) -> None:
    if not hasattr(model, "estimators_"):
        return
    stages = model.estimators_
    _expect(stages.ndim == 2 and stages.shape[1] == model.n_trees_per_iteration_, "series of trees")
    for estimator in stages.flat:
        _check_tree(estimator.tree_, model.n_features_in_)
        _expect(estimator.tree_.value.shape[1:] == (1, 1), "tree")


def _check_hist_boosting(model: Any) -> None:
    if not hasattr(model, "_predictors"):
        return
    features = model.n_features_in_
    categorical = np.asarray(model._bin_mapper.is_categorical_, dtype=bool)  # noqa: SLF001
    _expect(categorical.shape == (features,), "binning")
    for predictors in model._predictors:  # noqa: SLF001
        _expect(len(predictors) == model.n_trees_per_iteration_, "series of trees")
        for predictor in predictors:
            _check_predictor(predictor, features, categorical)


def _check_predictor(predictor: Any, features: int, categorical: np.ndarray) -> None:
    nodes = predictor.nodes
    _expect(nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1 and len(nodes) > 0, "tree")
    inner = nodes["is_leaf"] == 0
    _check_nodes(nodes["left"], nodes["right"], nodes["feature_idx"], inner, features)
    sets = inner & (nodes["is_categorical"] != 0)
    if sets.any():
        bits = predictor.raw_left_cat_bitsets
        _expect(bits.ndim == 2 and bits.shape[1] == 8 and bits.dtype == np.uint32, "sets of categories")
        _expect(nodes["bitset_idx"][sets].max() < len(bits), "sets of categories")
        _expect(categorical[nodes["feature_idx"][sets]].all(), "sets of categories")


def _renew_neighbours(model: Any) -> None:
    known = getattr(model, "_tree", None)
    if known is not None:
        kind = KDTree if isinstance(known, KDTree) else BallTree
        model._tree = kind(  # noqa: SLF001
            model._fit_X,  # noqa: SLF001
            model.leaf_size,
            metric=model.effective_metric_,
            **model.effective_metric_params_,
        )
    labels, classes = getattr(model, "_y", None), getattr(model, "classes_", None)
    if labels is not None and isinstance(classes, np.ndarray):
        _expect(len(labels) == model.n_samples_fit_, "set of neighbours")
        _expect(labels.min() >= 0 and labels.max() < len(classes), "set of neighbours")


def _renew_splines(model: Any) -> None:
    if hasattr(model, "bsplines_"):
        model.bsplines_ = [BSpline(old.t, old.c, old.k, old.extrapolate) for old in model.bsplines_]


def _check_text_input(vectorizer: Any) -> None:
    """``input="filename"`` would read files of this machine that the data names."""
    _expect(vectorizer.input == "content", "text input")


_CHECKS = (
    (BaseDecisionTree, _check_decision_tree),
    (BaseForest, _check_forest),
    ((GradientBoostingClassifier, GradientBoostingRegressor), _check_boosting),
    (BaseHistGradientBoosting, _check_hist_boosting),
    (NeighborsBase, _renew_neighbours),
    (SplineTransformer, _renew_splines),
    ((CountVectorizer, HashingVectorizer), _check_text_input),
)
