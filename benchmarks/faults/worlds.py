"""Healthy models with all that Assay may know of them: synthetic loans, and real data that statsmodels and
scikit-learn ship. Each seed is another draw of rows, another training, another window of traffic.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from app.audits.attempt import DrillFact
from app.config import ROOT
from checks.serving import AT, ID, LATENCY, PREDICTION, ROLE, SCORE

CREDIT = ROOT / "examples" / "credit-default"
START, DAYS = pd.Timestamp("2024-10-07", tz="UTC"), 7
END = START + pd.Timedelta(days=DAYS)
"""The window of traffic; at its end the audit looks at the world."""
LATENCY_MS = 4.0


class Canary(NamedTuple):
    """What a canary and the stable version beside it answered, and how many requests got no answer."""

    log: pd.DataFrame
    errors: int
    stable_log: pd.DataFrame
    stable_errors: int


@dataclass(frozen=True)
class World:
    """A version of a model and its surroundings.

    ``served``: rows of the population that were asked for in the window, with their labels. ``log``: what the
    server wrote of them, ``previous_log``: of the version before, in the week before. ``recomputed``: the served
    features, computed anew. ``earlier``: (name, fitted model), newest first, the first one serving. ``handed_in``:
    kind -> files. ``training_runs``: JSON of this and of the previous version. ``facts``: further fields of an
    ``Attempt``.
    """

    name: str
    manifest: Mapping[str, Any]
    train: pd.DataFrame
    test: pd.DataFrame
    served: pd.DataFrame
    model: Any
    log: pd.DataFrame = field(default_factory=pd.DataFrame)
    previous_log: pd.DataFrame = field(default_factory=pd.DataFrame)
    recomputed: pd.DataFrame = field(default_factory=pd.DataFrame)
    earlier: Sequence[tuple[str, Any]] = ()
    handed_in: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    training_runs: tuple[Sequence[bytes], Sequence[bytes]] = ((), ())
    drills: Sequence[DrillFact] = ()
    canary: Canary | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        return [part["name"] for part in self.manifest["features"]]

    @property
    def label(self) -> str:
        return str(self.manifest["columns"]["label"])

    @property
    def id(self) -> str:
        return str(self.manifest["columns"]["id"])

    def but(self, **changes: Any) -> World:
        return replace(self, **changes)

    def declaring(self, **parts: Any) -> World:
        """With other parts of the manifest."""
        return replace(self, manifest={**self.manifest, **parts})

    def with_facts(self, **facts: Any) -> World:
        return replace(self, facts={**self.facts, **facts})

    def handing_in(self, kind: str, *files: bytes) -> World:
        return replace(self, handed_in={**self.handed_in, kind: files})

    def trained(self, train: pd.DataFrame, learner: Any = None) -> World:
        """Trained anew on other rows, by the same learner or another; the traffic is answered anew."""
        fitted = clone(learner or self.model).fit(train[self.features], train[self.label])
        return replace(self, train=train, model=fitted).serving(self.served)

    def serving(self, served: pd.DataFrame) -> World:
        """With these rows asked for in the window, answered by the model and computed anew alike."""
        log = answered(self.model, served, self.features, self.id)
        before = log.assign(**{AT: log[AT] - pd.Timedelta(days=DAYS), ID: "earlier-" + log[ID]})
        return replace(self, served=served, log=log, previous_log=before, recomputed=log[[ID, *self.features]])


def answered(model: Any, rows: pd.DataFrame, features: Sequence[str], id_column: str) -> pd.DataFrame:
    """The log of a server that answers these rows, spread over the window, in the columns of ``checks.serving``."""
    rng = np.random.default_rng(len(rows))
    times = START + pd.to_timedelta(np.sort(rng.random(len(rows))) * DAYS, unit="D")
    score, prediction = np.full(len(rows), np.nan), model.predict(rows[list(features)])
    if hasattr(model, "predict_proba"):
        score = model.predict_proba(rows[list(features)])[:, 1]
    known = {
        ID: rows[id_column].astype(str).to_numpy(),
        AT: times.as_unit("us"),
        PREDICTION: prediction,
        SCORE: score,
        LATENCY: rng.gamma(8, LATENCY_MS / 8, len(rows)),
        ROLE: "stable",
    }
    return pd.DataFrame(known).join(rows[list(features)].reset_index(drop=True))


def _world(name: str, manifest: Mapping[str, Any], learner: Any, parts: Sequence[pd.DataFrame]) -> World:
    train, test, served = (part.reset_index(drop=True) for part in parts)
    features = [part["name"] for part in manifest["features"]]
    model = clone(learner).fit(train[features], train[manifest["columns"]["label"]])
    return World(name, manifest, train, test, served, model, facts={"organisation": ORGANISATION}).serving(served)


ORGANISATION: Mapping[str, Any] = {
    "banned_features": ["passport_number", "*_ssn"],
    "deprecated_features": ["score_v1"],
    "banned_sources": ["scraped profiles"],
    "sensitive": [],
    "slices": [],
}


# --- the worlds ---------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def credit(seed: int, rows: int = 24_000) -> World:
    """Synthetic consumer loans (``examples/credit-default``), boosted trees, 14 features."""
    generate, recipe = _credit_modules()
    train, later = generate.split(generate.generate(rows, seed), seed)
    half = len(later) // 2
    manifest = yaml.safe_load((CREDIT / "assay.yaml").read_text()) | {"evidence": []}
    manifest["model"] |= {"retraining_days": 365}
    learner = recipe.build(max_iter=120, learning_rate=0.12)
    return _world("credit", manifest, learner, (train, later[:half], later[half:]))


def _credit_modules() -> tuple[Any, Any]:
    if str(CREDIT) not in sys.path:
        sys.path.insert(0, str(CREDIT))
    import generate
    import model

    return generate, model


@lru_cache(maxsize=2)
def health(seed: int) -> World:
    """Whether somebody sees a doctor: 20,190 person-years of the RAND Health Insurance Experiment (statsmodels'
    ``randhie``), logistic regression, 5 features. Most rows have a twin.
    """
    import statsmodels.api as sm

    frame = sm.datasets.randhie.load_pandas().data
    frame = frame[["lncoins", "idp", "lpi", "fmde", "disea"]].assign(visit=(frame["mdvis"] > 0).astype(int))
    return _shuffled("health", frame, "visit", _logistic(), seed)


@lru_cache(maxsize=2)
def tumour(seed: int) -> World:
    """Whether a tumour is benign: 569 of scikit-learn's ``breast_cancer``, logistic regression, 3 features. Real
    and small: much here is inconclusive, and must not fail.
    """
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    frame = frame[["mean texture", "mean smoothness", "mean compactness", "target"]]
    return _shuffled("tumour", frame, "target", _logistic(), seed)


@lru_cache(maxsize=2)
def diabetes(seed: int) -> World:
    """How far diabetes has gone after a year: 442 patients of scikit-learn's ``diabetes``, ridge regression."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True).frame[["sex", "bmi", "bp", "s5", "target"]]
    return _shuffled("diabetes", frame, "target", make_pipeline(StandardScaler(), Ridge(1.0)), seed)


WORLDS: Mapping[str, Callable[[int], World]] = {
    world.__name__: world for world in (credit, health, tumour, diabetes)
}


def _logistic() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))


def _shuffled(name: str, frame: pd.DataFrame, label: str, learner: Any, seed: int) -> World:
    """Real rows in a random order: half to train on, a quarter held out, a quarter served. ``site`` is drawn."""
    rows = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    rows = rows.assign(
        id=[f"{name}-{number:05d}" for number in range(len(rows))],
        known_at=_times(len(rows), seed),
        site=np.random.default_rng(seed).choice(["A", "B"], len(rows)),
    )
    half, rest = len(rows) // 2, len(rows) // 4
    manifest = declared_by_data(name, rows, label, [column for column in frame.columns if column != label])
    return _world(name, manifest, learner, (rows[:half], rows[half : half + rest], rows[half + rest :]))


def declared_by_data(name: str, rows: pd.DataFrame, label: str, features: Sequence[str]) -> dict[str, Any]:
    """The manifest that an owner would write who looked at the data, which has columns id, known_at and site."""
    regression = rows[label].nunique() > 2
    return {
        "assay": 1,
        "model": {
            "name": name,
            "owner": "benchmark@example.com",
            "purpose": "Shows whether the judgement is true",
            "users": "Readers of docs/faults.md",
            "problem_type": "productivity",
            "task": "regression" if regression else "binary",
            "risk_tier": "medium",
            "business_metric": {"name": "none"},
            "retraining_days": 90,
        },
        "version": {"name": "1.0.0", "change_reason": "initial", "artifact": "model.skops"},
        "data": {"train": {"path": "train.parquet"}, "test": {"path": "test.parquet"}},
        "columns": {"label": label, "id": "id", "time": "known_at"} | ({} if regression else {"positive": 1}),
        "quality": {"metric": "r2" if regression else "roc_auc", "floor": 0.2 if regression else 0.6},
        "features": [_feature(rows[column]) for column in features],
        "sensitive": ["site"],
        "slices": [{"name": "site A", "where": {"site": "A"}}, {"name": "site B", "where": {"site": "B"}}],
    }


def _feature(column: pd.Series[Any]) -> dict[str, Any]:
    """What an owner would write down: room around what was seen."""
    low, high = float(column.min()), float(column.max())
    room = 0.2 * (high - low)
    expected = {"type": "number", "min": low - room, "max": high + room, "nullable": False}
    return {"name": column.name, **expected, "cost": 0.01, "upstream": ["survey"]}


def _times(rows: int, seed: int) -> pd.DatetimeIndex:
    """Two months before the window, in no order."""
    days = np.random.default_rng(seed).random(rows) * 60
    return (START - pd.to_timedelta(days, unit="D")).as_unit("us")
