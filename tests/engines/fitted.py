"""Real fitted models over a mixed frame, and how to declare and reload them."""

from functools import cache

import numpy as np
import pandas as pd
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from checks.evidence import Declaration, Feature, Task

ROWS = 240


@cache
def frame() -> pd.DataFrame:
    """Numbers with gaps, categories and a flag, drawn around a real label."""
    rng = np.random.default_rng(28)
    income = rng.normal(size=ROWS)
    made = pd.DataFrame(
        {
            "income": income,
            "region": rng.choice(["north", "south", "west"], ROWS),
            "member": rng.random(ROWS) > 0.5,
            "visits": rng.integers(0, 9, ROWS),
        }
    )
    made.loc[:9, "income"] = np.nan
    return made


@cache
def labels() -> np.ndarray:
    base = frame()["income"].fillna(0) + 0.3 * frame()["visits"] + (frame()["region"] == "west")
    return (base > base.median()).to_numpy().astype(int)


def prepared(*last, **options):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = [
        ("numbers", numbers, ["income", "visits"]),
        ("region", OneHotEncoder(sparse_output=False), ["region"]),
    ]
    return make_pipeline(ColumnTransformer(columns, remainder="passthrough", **options), *last)


def splined():
    numbers = make_pipeline(SimpleImputer(), SplineTransformer(n_knots=4))
    by_type = ColumnTransformer([("numbers", numbers, make_column_selector(dtype_include="number"))])
    return make_pipeline(by_type, LogisticRegression())


def pipelines():
    """Name -> (model, class of what predicts in the end)."""
    folds = StratifiedKFold(3)
    grid = {"logisticregression__C": [0.1, 1.0]}
    members = [("a", RandomForestClassifier(3, random_state=0)), ("b", LogisticRegression())]
    return {
        "linear": (prepared(LogisticRegression()), "LogisticRegression"),
        "forest": (
            prepared(RandomForestClassifier(5, random_state=0, n_jobs=2, verbose=1)),
            "RandomForestClassifier",
        ),
        "boosting": (prepared(GradientBoostingClassifier(n_estimators=5)), "GradientBoostingClassifier"),
        "histogram": (prepared(HistGradientBoostingClassifier(max_iter=5)), "HistGradientBoostingClassifier"),
        "selected": (prepared(SelectKBest(k=2), LogisticRegression()), "LogisticRegression"),
        "neighbours": (prepared(KNeighborsClassifier()), "KNeighborsClassifier"),
        "ball tree": (prepared(KNeighborsClassifier(algorithm="ball_tree", p=1)), "KNeighborsClassifier"),
        "margin": (prepared(SVC()), "SVC"),
        "calibrated": (CalibratedClassifierCV(prepared(LinearSVC()), cv=folds), "LinearSVC"),
        "isotonic": (CalibratedClassifierCV(prepared(LinearSVC()), cv=folds, method="isotonic"), "LinearSVC"),
        "search": (
            GridSearchCV(prepared(LogisticRegression()), grid, cv=folds, scoring="roc_auc"),
            "LogisticRegression",
        ),
        "threshold": (TunedThresholdClassifierCV(prepared(LogisticRegression()), cv=folds), "LogisticRegression"),
        "stacked": (prepared(StackingClassifier(members, cv=folds)), "StackingClassifier"),
        "splines": (splined(), "LogisticRegression"),
        "pandas between": (prepared(LogisticRegression()).set_output(transform="pandas"), "LogisticRegression"),
        "ufunc": (make_pipeline(FunctionTransformer(np.log1p), HistGradientBoostingClassifier(max_iter=3)), None),
    }


@cache
def fit(name):
    """The fitted model, the frame it was fitted on, and the class of what predicts."""
    model, final = pipelines()[name]
    rows = frame()[["visits"]].astype(float) if name == "ufunc" else frame()
    return model.fit(rows, labels()), rows, final or "HistGradientBoostingClassifier"


@cache
def categorical():
    """Histogram boosting on a column of categories, which puts a partial and bitsets into the file."""
    rows = frame().assign(region=frame()["region"].astype("category"))
    return HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype").fit(rows, labels()), rows


@cache
def texts():
    rows = pd.DataFrame({"text": ["good film", "bad film", "nice one", "awful thing"] * 20})
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(rows["text"], [1, 0] * 40), rows


@cache
def regressors():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    logged = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    return {
        "Ridge": (logged.fit(x, y), x),
        "HistGradientBoostingRegressor": (HistGradientBoostingRegressor(max_iter=5).fit(x, y), x),
    }


@cache
def plain():
    """A model fitted on an array, without names."""
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :4].astype(np.float32)
    names = np.array(["benign", "malignant"])[1 - y]
    return RandomForestClassifier(5, random_state=0).fit(x, names), pd.DataFrame(x, columns=list("abcd"))


def saved(model, folder):
    path = folder / "model.skops"
    skops.io.dump(model, path)
    return path


def declared(names, task=Task.BINARY) -> Declaration:
    features = tuple(Feature(name, "number") for name in names)
    return Declaration("m", "1", task, "y", features, "accuracy", schema_declared=True)
