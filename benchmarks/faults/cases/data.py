"""Faults of features and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmarks.faults.cases import Cases
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
def a_column_of_noise(seed: int) -> World:
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
