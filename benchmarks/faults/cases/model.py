"""Faults of models: older, simpler, weak in places, unfair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from benchmarks.faults.cases import Cases
from benchmarks.faults.cases.data import PARTS, rng, with_feature
from benchmarks.faults.surroundings import metric_pairs, staleness
from benchmarks.faults.worlds import World, credit, health, tumour

CASES = Cases()


def shuffled(frame: pd.DataFrame, column: str, where: Any, random: np.random.Generator) -> pd.DataFrame:
    """The column's values permuted among the rows of ``where``: as many of each, tied to nothing."""
    values = frame[column].to_numpy(copy=True)
    values[where] = random.permutation(values[where])
    return frame.assign(**{column: values})


def flipped(frame: pd.DataFrame, label: str, where: Any) -> pd.DataFrame:
    """The frame with the other one of the labels 0 and 1 in these rows."""
    return frame.assign(**{label: frame[label].mask(where, 1 - frame[label])})


# --- MODEL-2 ------------------------------------------------------------------------------------


@CASES.strong("MODEL-2")
def figures_that_have_nothing_to_do_with_each_other(seed: int) -> World:
    return tumour(seed).handing_in("metric-pairs", metric_pairs(agreement=-0.2, seed=seed))


@CASES.strong("MODEL-2")
def what_looks_better_turns_out_worse(seed: int) -> World:
    return tumour(seed).handing_in("metric-pairs", metric_pairs(agreement=-1.0, seed=seed))


@CASES.strong("MODEL-2")
def ten_versions_the_other_way_round(seed: int) -> World:
    return tumour(seed).handing_in("metric-pairs", metric_pairs(agreement=-0.7, pairs=10, seed=seed))


@CASES.healthy("MODEL-2")
def figures_that_agree_with_noise(seed: int) -> World:
    return tumour(seed).handing_in("metric-pairs", metric_pairs(agreement=0.9, pairs=16, seed=seed))


# --- MODEL-4 ------------------------------------------------------------------------------------


def _ageing(world: World, lost: dict[int, float], seed: int, cadence: int) -> World:
    declared = world.declaring(model={**world.manifest["model"], "retraining_days": cadence})
    return declared.handing_in("staleness-predictions", staleness(declared, lost, seed))


@CASES.strong("MODEL-4")
def quality_gone_within_a_quarter_of_the_cadence(seed: int) -> World:
    return _ageing(credit(seed), {0: 0, 90: 0.3, 180: 0.5, 270: 0.7, 370: 0.9}, seed, cadence=365)


@CASES.strong("MODEL-4")
def quality_gone_before_the_cadence_is_over(seed: int) -> World:
    return _ageing(health(seed), {0: 0, 30: 0, 60: 0.4, 89: 0.5, 120: 0.6}, seed, cadence=90)


@CASES.strong("MODEL-4")
def quality_gone_from_the_first_month(seed: int) -> World:
    return _ageing(health(seed), {0: 0, 30: 0.4, 60: 0.4, 120: 0.4}, seed, cadence=90)


@CASES.healthy("MODEL-4")
def quality_gone_only_long_after_the_cadence(seed: int) -> World:
    return _ageing(health(seed), {0: 0, 60: 0, 120: 0, 300: 0.5}, seed, cadence=90)


# --- MODEL-5 ------------------------------------------------------------------------------------


@CASES.strong("MODEL-5")
def a_tree_that_learned_by_heart(seed: int) -> World:
    world = credit(seed)
    learner = clone(world.model).set_params(learn=DecisionTreeClassifier(random_state=seed))
    return world.trained(world.train, learner)


@CASES.strong("MODEL-5")
def trained_on_shuffled_labels(seed: int) -> World:
    world = credit(seed)
    return world.trained(shuffled(world.train, world.label, slice(None), rng(seed, "labels")))


def _relabelled(world: World, chance: Any, learner: Any, random: np.random.Generator) -> World:
    """Labels drawn by ``chance(rows)`` in every part, and the learner trained on them."""
    parts = {
        part: (rows := getattr(world, part)).assign(
            **{world.label: (random.random(len(rows)) < chance(rows)).astype(int)}
        )
        for part in PARTS
    }
    return world.but(**parts).trained(parts["train"], learner)


@CASES.strong("MODEL-5")
def boosted_trees_where_a_line_does_as_well(seed: int) -> World:
    world = health(seed)

    def chance(rows: pd.DataFrame) -> Any:
        scaled = (rows[world.features] - world.train[world.features].mean()) / world.train[world.features].std()
        return 1 / (1 + np.exp(-scaled @ np.array([1.2, -0.9, 0.7, 0.5, -1.0])))

    learner = HistGradientBoostingClassifier(max_iter=150, random_state=1)
    return _relabelled(world, chance, learner, rng(seed, "line"))


@CASES.healthy("MODEL-5")
def trees_where_neither_a_line_nor_four_splits_do(seed: int) -> World:
    """The label follows two interplays that no line sees and that four splits cannot follow."""
    world = health(seed)

    def chance(rows: pd.DataFrame) -> Any:
        scaled = (rows[world.features] - world.train[world.features].mean()) / world.train[world.features].std()
        return 1 / (1 + np.exp(-1.5 * (scaled["disea"] * scaled["lpi"] + scaled["lncoins"] * scaled["fmde"])))

    learner = HistGradientBoostingClassifier(max_iter=40, random_state=1)
    return _relabelled(world, chance, learner, rng(seed, "interplay"))


# --- MODEL-6 ------------------------------------------------------------------------------------


def _flipped_in_the_east(seed: int, share: float) -> World:
    world = credit(seed)
    hit = (world.test["region"] == "east") & (rng(seed, "east").random(len(world.test)) < share)
    return world.but(test=flipped(world.test, world.label, hit))


@CASES.strong("MODEL-6")
def another_truth_for_a_third_of_one_region(seed: int) -> World:
    return _flipped_in_the_east(seed, 0.33)


@CASES.healthy("MODEL-6")
def another_truth_for_a_fiftieth_of_one_region(seed: int) -> World:
    """Two points of error more, where five are allowed."""
    return _flipped_in_the_east(seed, 0.02)


@CASES.strong("MODEL-6")
def labels_tied_to_nothing_in_one_region(seed: int) -> World:
    """In the capital, in training and in testing, as many defaults as before."""
    world, random = credit(seed), rng(seed, "capital")
    train, test = (
        shuffled(rows, world.label, (rows["region"] == "capital").to_numpy(), random)
        for rows in (world.train, world.test)
    )
    return world.but(test=test).trained(train)


@CASES.strong("MODEL-6")
def a_site_that_measures_otherwise(seed: int) -> World:
    """Site B writes the label the other way round in two fifths of its rows."""
    world = health(seed)
    hit = (world.test["site"] == "B") & (rng(seed, "site").random(len(world.test)) < 0.4)
    return world.but(test=flipped(world.test, world.label, hit))


# --- MODEL-7 ------------------------------------------------------------------------------------


@CASES.strong("MODEL-7")
def a_group_whose_history_was_falsified(seed: int) -> World:
    """60 % of the repaid loans of people of 60 and more are labelled defaulted in the training data; the model sees
    the age.
    """
    world = with_feature(credit(seed), "age_at_application", lambda rows: rows["age"])
    hit = (world.train["age_group"] == "60+") & (rng(seed, "old").random(len(world.train)) < 0.6)
    return world.trained(world.train.assign(**{world.label: world.train[world.label].mask(hit, 1)}))


@CASES.strong("MODEL-7")
def a_site_that_is_mostly_refused(seed: int) -> World:
    """60 % of site B are labelled 0 whatever is true, in the training data; the model sees the site."""
    world = with_feature(health(seed), "at_b", lambda rows: (rows["site"] == "B").astype(float))
    hit = (world.train["site"] == "B") & (rng(seed, "b").random(len(world.train)) < 0.6)
    return world.trained(world.train.assign(**{world.label: world.train[world.label].mask(hit, 0)}))


@CASES.strong("MODEL-7")
def a_site_of_which_less_is_known(seed: int) -> World:
    """A measurement that tells the label at site A is drawn from other rows at site B."""
    random = rng(seed, "known")

    def values(rows: pd.DataFrame) -> Any:
        told = rows["visit"] + random.normal(0, 0.5, len(rows))
        return np.where(rows["site"] == "A", told, random.permutation(told))

    return with_feature(health(seed), "visits_before", values)


@CASES.healthy("MODEL-7")
def a_measurement_as_good_at_both_sites(seed: int) -> World:
    random = rng(seed, "known")
    return with_feature(
        health(seed), "visits_before", lambda rows: rows["visit"] + random.normal(0, 0.5, len(rows))
    )
