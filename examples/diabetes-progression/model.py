"""The two specifications that were tried: a straight line and a tree without a bound."""

from typing import Any

from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor


def ridge(**tunables: Any) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("learn", Ridge(**tunables))])


def tree(**tunables: Any) -> Pipeline:
    """Grows until every leaf is pure, unless told otherwise."""
    return Pipeline([("learn", DecisionTreeRegressor(random_state=28, **tunables))])
