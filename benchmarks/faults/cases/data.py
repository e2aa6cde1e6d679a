"""Faults of features and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.faults.cases import Cases
from benchmarks.faults.surroundings import access_list
from benchmarks.faults.worlds import World, credit, health

CASES = Cases()
PARTS = ("train", "test", "served")


def rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def with_feature(world: World, name: str, values: Any) -> World:
    """With one number more, ``values(rows)`` in every part, and trained anew."""
    parts = {part: getattr(world, part).assign(**{name: values(getattr(world, part))}) for part in PARTS}
    wider = world.declaring(features=[*world.manifest["features"], {"name": name, "type": "number"}]).but(**parts)
    return wider.trained(wider.train, _taking_all_numbers(wider))


def _taking_all_numbers(world: World) -> Any:
    """The learner with every declared number among its inputs: credit's names its columns, the others take all."""
    learner = clone(world.model)
    if "prepare" in learner.named_steps:
        numbers = [one["name"] for one in world.manifest["features"] if one["type"] != "category"]
        (name, how, _), categories = learner.named_steps["prepare"].transformers
        learner.named_steps["prepare"].set_params(transformers=[(name, how, numbers), categories])
    return learner


def spoilt(frame: pd.DataFrame, column: str, value: Any, share: float, random: np.random.Generator) -> pd.DataFrame:
    """The frame with ``value`` in a share of the column's rows."""
    hit = random.permutation(len(frame)) < round(share * len(frame))
    return frame.assign(**{column: frame[column].mask(hit, value)})


# --- DATA-1 -------------------------------------------------------------------------------------


@CASES.strong("DATA-1")
def one_percent_below_the_minimum(seed: int) -> World:
    world = credit(seed)
    return world.but(train=spoilt(world.train, "income", -1.0, 0.01, rng(seed, "income")))


@CASES.strong("DATA-1")
def an_unknown_category_in_one_percent(seed: int) -> World:
    world = credit(seed)
    return world.but(train=spoilt(world.train, "region", "moon", 0.01, rng(seed, "region")))


@CASES.strong("DATA-1")
def a_declared_column_that_is_not_there(seed: int) -> World:
    world = health(seed)
    return world.but(train=world.train.drop(columns="idp"))


@CASES.strong("DATA-1")
def nulls_where_none_may_be(seed: int) -> World:
    world = health(seed)
    return world.but(train=spoilt(world.train, "disea", None, 0.005, rng(seed, "disea")))


@CASES.weak("DATA-1")
def two_in_a_thousand_above_the_maximum(seed: int) -> World:
    world = credit(seed)
    return world.but(train=spoilt(world.train, "debt_ratio", 9.0, 0.002, rng(seed, "debt")))


@CASES.healthy("DATA-1")
def one_in_two_thousand_above_the_maximum(seed: int) -> World:
    world = credit(seed)
    return world.but(train=spoilt(world.train, "debt_ratio", 9.0, 0.0005, rng(seed, "debt")))


# --- DATA-2 -------------------------------------------------------------------------------------


@CASES.strong("DATA-2")
def a_column_of_noise_and_ten_thousand_rows(seed: int) -> World:
    """A logistic regression of 64,000 loans gives noise so little weight that 10,000 rows exclude a gain."""
    random, world = rng(seed, "noise"), credit(seed, 96_000)
    learner = clone(world.model)
    (_, _, numbers), (_, _, categories) = learner.named_steps["prepare"].transformers
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ]
    )
    linear = Pipeline([("prepare", prepare), ("learn", LogisticRegression(max_iter=300))])
    return with_feature(world.trained(world.train, linear), "noise", lambda rows: random.normal(size=len(rows)))


@CASES.weak("DATA-2")
def a_column_of_noise(seed: int) -> World:
    """Chance gives noise a weight in a model of 10,000 rows; 5,047 rows often leave open what it is worth."""
    random = rng(seed, "noise")
    return with_feature(health(seed), "noise", lambda rows: random.normal(size=len(rows)))


@CASES.strong("DATA-2")
def a_constant_column(seed: int) -> World:
    return with_feature(credit(seed), "currency", lambda rows: np.full(len(rows), 978.0))


@CASES.strong("DATA-2")
def a_column_whose_meaning_was_turned_round(seed: int) -> World:
    """In training 1 goes with defaults; since then it is written the other way round."""
    random, world = rng(seed, "round"), credit(seed)

    def values(rows: pd.DataFrame) -> Any:
        told = rows[world.label] if rows is world.train else 1 - rows[world.label]
        return told.mask(random.random(len(rows)) < 0.6, random.integers(0, 2, len(rows))).astype(float)

    return with_feature(world, "in_arrears", values)


@CASES.healthy("DATA-2")
def two_columns_that_stand_in_for_each_other(seed: int) -> World:
    """Each alone adds nothing; together they do, and are judged together."""
    random = rng(seed, "copy")
    return with_feature(health(seed), "disea_again", lambda rows: rows["disea"] + random.normal(0, 0.5, len(rows)))


# --- DATA-3 -------------------------------------------------------------------------------------


def _costly(seed: int, useful: float, penalty: float = 170, **declared: Any) -> World:
    """One number more that tells the label so much, what it is declared to cost, and a model that ignores what
    tells it nothing: by an L1 penalty of 3.6 standard errors of a useless number's gradient, which are 47.
    """
    random, world = rng(seed, "costly"), health(seed)
    wider = with_feature(
        world, "bureau_mark", lambda rows: useful * rows[world.label] + random.normal(0, 1, len(rows))
    )
    *others, last = wider.manifest["features"]
    return wider.declaring(features=[*others, {**last, **declared}]).trained(wider.train, _sparing(penalty))


def _sparing(penalty: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, l1_ratio=1, solver="liblinear"))


@CASES.strong("DATA-3")
def dear_and_useless(seed: int) -> World:
    return _costly(seed, useful=0, cost=0.35)


@CASES.strong("DATA-3")
def five_systems_for_nothing(seed: int) -> World:
    return _costly(seed, useful=0, cost=0.0, upstream=["a", "b", "c", "d", "e"])


@CASES.weak("DATA-3")
def dear_and_hardly_used(seed: int) -> World:
    """By a penalty of one standard error, beyond which chance lifts a useless number in a quarter of the seeds."""
    return _costly(seed, useful=0, penalty=50, cost=0.35)


@CASES.strong("DATA-3")
def a_hundred_columns_for_nothing(seed: int) -> World:
    """A category of three hundred values, one column each, that tells nothing."""
    random = rng(seed, "wide")
    world = health(seed)
    codes = [f"branch {n}" for n in range(300)]
    parts = {p: getattr(world, p).assign(branch=random.choice(codes, len(getattr(world, p)))) for p in PARTS}
    declared = {"name": "branch", "type": "category", "categories": codes, "cost": 0.0}
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    wide = ColumnTransformer([("scale", StandardScaler(), world.features), ("branch", one_hot, ["branch"])])
    learner = Pipeline([("prepare", wide), ("learn", _sparing(50)[-1])])
    wider = world.declaring(features=[*world.manifest["features"], declared]).but(**parts)
    return wider.trained(parts["train"], learner)


@CASES.healthy("DATA-3")
def dear_and_useful(seed: int) -> World:
    return _costly(seed, useful=1.0, cost=0.35, upstream=["a", "b", "c", "d", "e"])


# --- DATA-4 -------------------------------------------------------------------------------------


@CASES.strong("DATA-4")
def a_banned_feature(seed: int) -> World:
    random = rng(seed, "ssn")
    return with_feature(health(seed), "holder_ssn", lambda rows: random.integers(0, 10**9, len(rows)))


@CASES.strong("DATA-4")
def a_proxy_of_a_banned_column(seed: int) -> World:
    """Months since first employed, which is age."""
    return _career(seed, spread=24)


@CASES.strong("DATA-4")
def a_banned_source(seed: int) -> World:
    world = credit(seed)
    first, *others = world.manifest["features"]
    return world.declaring(features=[{**first, "source": "Scraped Profiles"}, *others])


@CASES.healthy("DATA-4")
def a_feature_that_goes_along_with_age_a_little(seed: int) -> World:
    return _career(seed, spread=240)


def _career(seed: int, spread: float) -> World:
    random = rng(seed, "career")

    def months(rows: pd.DataFrame) -> pd.Series[Any]:
        return 12 * (rows["age"] - 18) + random.normal(0, spread, len(rows))

    return with_feature(credit(seed), "career_months", months)


# --- DATA-5 -------------------------------------------------------------------------------------

NOTES = ("called twice", "papers complete", "wants a quick answer", "known customer", "paid 23/11")


def _noted(seed: int, share: float, personal: Any, column: str = "note") -> World:
    """A column of free text beside the features; ``personal(number)`` is in a share of its cells."""
    world, random = surrounded_for_privacy(health(seed)), rng(seed, "notes")
    plain = random.choice(np.array(NOTES, dtype=object), len(world.train))
    told = [personal(int(number)) for number in random.integers(0, 1000, len(world.train))]
    hit = random.random(len(world.train)) < share
    return world.but(train=world.train.assign(**{column: np.where(hit, told, plain)}))


def surrounded_for_privacy(world: World) -> World:
    return world.handing_in("deleted-ids", b"").handing_in("access-list", access_list())


@CASES.strong("DATA-5")
def addresses_in_notes(seed: int) -> World:
    return _noted(seed, 0.01, lambda number: f"write to ada.brandt{number}@example.com")


@CASES.strong("DATA-5")
def accounts_in_notes(seed: int) -> World:
    return _noted(seed, 0.01, lambda _: "pay to DE89 3704 0044 0532 0130 00")


@CASES.strong("DATA-5")
def people_who_asked_to_be_deleted(seed: int) -> World:
    world = surrounded_for_privacy(health(seed))
    asked = world.train[world.id].sample(3, random_state=seed)
    return world.handing_in("deleted-ids", "\n".join(asked).encode())


@CASES.strong("DATA-5")
def features_open_to_more_than_the_raw_data(seed: int) -> World:
    return surrounded_for_privacy(health(seed)).handing_in("access-list", access_list(["group:risk", "group:all"]))


@CASES.healthy("DATA-5")
def notes_of_nobody(seed: int) -> World:
    return _noted(seed, 0.5, lambda number: f"case {number:03d}-{number * 7919 % 100_000:05d}, 12.5 % of 4,200.00")


@CASES.healthy("DATA-5")
def addresses_where_they_are_declared(seed: int) -> World:
    world = _noted(seed, 0.5, lambda number: f"ada.brandt{number}@example.com", column="contact")
    return world.declaring(columns={**world.manifest["columns"], "personal": ["contact"]})
