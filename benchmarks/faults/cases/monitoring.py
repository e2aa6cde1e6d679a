"""Faults that show in operation."""

from __future__ import annotations

import json

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.faults.cases import Cases
from benchmarks.faults.cases.data import rng, spoilt, with_feature
from benchmarks.faults.cases.model import shuffled
from benchmarks.faults.surroundings import dependencies, training_runs
from benchmarks.faults.worlds import World, credit, diabetes, health, tumour
from checks.serving import LATENCY

CASES = Cases()


# --- MON-1 --------------------------------------------------------------------------------------


@CASES.strong("MON-1")
def a_change_that_nobody_was_told_of(seed: int) -> World:
    return tumour(seed).with_facts(dependencies=dependencies(told_after=[2.0, None]))


@CASES.strong("MON-1")
def a_change_that_was_told_late(seed: int) -> World:
    return tumour(seed).with_facts(dependencies=dependencies(told_after=[16.0 + seed % 60]))


@CASES.strong("MON-1")
def a_planted_change_that_was_told_late(seed: int) -> World:
    return tumour(seed).with_facts(dependencies=dependencies(told_after=[2.0], planted_after=60.0))


@CASES.healthy("MON-1")
def changes_told_in_time(seed: int) -> World:
    minutes = rng(seed, "told").uniform(0.1, 14.9, 9).tolist()
    return tumour(seed).with_facts(dependencies=dependencies(told_after=minutes))


# --- MON-2 --------------------------------------------------------------------------------------


@CASES.strong("MON-2")
def income_in_cents(seed: int) -> World:
    world = credit(seed)
    return world.serving(world.served.assign(income=world.served["income"] * 100))


@CASES.strong("MON-2")
def a_fifth_of_a_column_is_missing(seed: int) -> World:
    world = credit(seed)
    return world.serving(spoilt(world.served, "utilisation", None, 0.2, rng(seed, "missing")))


@CASES.strong("MON-2")
def a_category_that_nobody_declared(seed: int) -> World:
    world = credit(seed)
    return world.serving(spoilt(world.served, "employment", "gig_worker", 0.05, rng(seed, "gig")))


def _shifted(seed: int, deviations: float) -> World:
    world = health(seed)
    return world.serving(world.served.assign(disea=world.served["disea"] + deviations * world.train["disea"].std()))


@CASES.strong("MON-2")
def a_mean_half_a_deviation_off(seed: int) -> World:
    return _shifted(seed, 0.5)


@CASES.weak("MON-2")
def a_mean_a_fifth_of_a_deviation_off(seed: int) -> World:
    return _shifted(seed, 0.2)


@CASES.healthy("MON-2")
def a_few_more_of_the_sick(seed: int) -> World:
    """Drawn with weights that move the mean by a thirtieth of a deviation."""
    world = health(seed)
    weights = np.exp(world.served["disea"] / world.train["disea"].std() / 30)
    rows = world.served.sample(len(world.served), replace=True, weights=weights, random_state=seed)
    return world.serving(rows.assign(id=[f"again-{n}" for n in range(len(rows))]).reset_index(drop=True))


# --- MON-3 --------------------------------------------------------------------------------------


@CASES.strong("MON-3")
def rounding_in_serving(seed: int) -> World:
    world = credit(seed)
    rounded = world.served.assign(debt_ratio=world.served["debt_ratio"].round(1))
    return world.serving(rounded).but(recomputed=world.recomputed)


@CASES.strong("MON-3")
def another_unit_in_serving(seed: int) -> World:
    world = health(seed)
    return world.serving(world.served.assign(lpi=world.served["lpi"] * 1000)).but(recomputed=world.recomputed)


@CASES.strong("MON-3")
def nulls_filled_in_serving_alone(seed: int) -> World:
    world = credit(seed)
    filled = world.served.assign(utilisation=world.served["utilisation"].fillna(0))
    return world.serving(filled).but(recomputed=world.recomputed)


@CASES.healthy("MON-3")
def single_precision_on_the_way(seed: int) -> World:
    world = health(seed)
    single = world.recomputed["disea"].astype("float32").astype("float64")
    return world.but(recomputed=world.recomputed.assign(disea=single))


@CASES.healthy("MON-3")
def one_row_that_differs(seed: int) -> World:
    world = credit(seed)
    amount = world.recomputed["amount"].where(world.recomputed.index != seed, 1.0)
    return world.but(recomputed=world.recomputed.assign(amount=amount))


# --- MON-4 --------------------------------------------------------------------------------------


def _cadence(world: World, days: int) -> World:
    return world.declaring(model={**world.manifest["model"], "retraining_days": days})


@CASES.strong("MON-4")
def three_months_past_the_cadence(seed: int) -> World:
    return _cadence(credit(seed), 200)


@CASES.strong("MON-4")
def long_past_a_cadence_of_a_month(seed: int) -> World:
    return _cadence(credit(seed), 30)


@CASES.strong("MON-4")
def a_day_past_the_cadence(seed: int) -> World:
    return _cadence(tumour(seed), 6)


@CASES.healthy("MON-4")
def a_day_before_the_cadence_is_over(seed: int) -> World:
    return _cadence(tumour(seed), 9)


# --- MON-5 --------------------------------------------------------------------------------------


@CASES.strong("MON-5")
def no_number_on_rare_input(seed: int) -> World:
    """One leaf of one tree, where a few rows end, holds NaN."""
    world = diabetes(seed)
    broken = world.trained(world.train, HistGradientBoostingRegressor(max_iter=20, random_state=1))
    nodes = broken.model._predictors[0][0].nodes  # noqa: SLF001 - nothing public breaks one leaf
    leaves = np.flatnonzero(nodes["is_leaf"])
    nodes["value"][leaves[np.argmin(nodes["count"][leaves])]] = np.nan
    return broken


@CASES.strong("MON-5")
def weights_that_noise_swings(seed: int) -> World:
    """A column stands there twice, with huge weights that cancel out, as collinear columns get them."""
    world = with_feature(health(seed), "disea_again", lambda rows: rows["disea"])
    weights = world.model[-1].coef_
    weights[0, [world.features.index("disea"), -1]] = 1e8, -1e8
    return world


@CASES.strong("MON-5")
def a_loss_that_was_no_number(seed: int) -> World:
    losses = [0.7, 0.6, float("nan"), 0.5]
    return health(seed).handing_in("training-metrics", json.dumps({"loss": losses}).encode())


@CASES.healthy("MON-5")
def losses_that_only_fall(seed: int) -> World:
    losses = np.exp(-np.arange(20) / 10).tolist()
    return health(seed).handing_in("training-metrics", json.dumps({"loss": losses}).encode())


# --- MON-6 --------------------------------------------------------------------------------------


@CASES.strong("MON-6")
def answers_that_take_half_as_long_again(seed: int) -> World:
    world = health(seed)
    return world.but(log=world.log.assign(**{LATENCY: world.log[LATENCY] * 1.5}))


def _trained_by(seed: int, seconds: float, memory_mb: float) -> World:
    runs = training_runs(seconds, memory_mb, seed), training_runs(600, 2000, seed + 1)
    return tumour(seed).but(training_runs=runs)


@CASES.strong("MON-6")
def twice_the_memory_in_training(seed: int) -> World:
    return _trained_by(seed, 600, 4000)


@CASES.strong("MON-6")
def twice_the_time_in_training(seed: int) -> World:
    return _trained_by(seed, 1200, 2000)


@CASES.healthy("MON-6")
def a_tenth_more_time_in_training(seed: int) -> World:
    return _trained_by(seed, 660, 2000)


# --- MON-7 --------------------------------------------------------------------------------------


def _more_defaults(seed: int, share: float) -> World:
    """Label shift: so many more of all loans default, and no feature changes."""
    world = credit(seed)
    more = rng(seed, "odds").random(len(world.served)) < share
    return world.but(served=world.served.assign(**{world.label: world.served[world.label].mask(more, 1)}))


@CASES.strong("MON-7")
def twice_the_defaults(seed: int) -> World:
    return _more_defaults(seed, 0.085)


@CASES.weak("MON-7")
def a_quarter_more_defaults(seed: int) -> World:
    return _more_defaults(seed, 0.021)


@CASES.strong("MON-7")
def labels_that_the_answers_no_longer_tell(seed: int) -> World:
    """Half of the labels are drawn from other rows."""
    world, random = credit(seed), rng(seed, "drawn")
    half = random.random(len(world.served)) < 0.5
    return world.but(served=shuffled(world.served, world.label, half, random))


@CASES.strong("MON-7")
def fewer_visits_than_foretold(seed: int) -> World:
    """A fifth of the visits does not take place any more."""
    world = health(seed)
    gone = rng(seed, "visits").random(len(world.served)) < 0.2
    return world.but(served=world.served.assign(**{world.label: world.served[world.label].mask(gone, 0)}))


@CASES.healthy("MON-7")
def every_second_label_is_known(seed: int) -> World:
    world = health(seed)
    unknown = world.served.index % 2 == 1
    return world.but(served=world.served.assign(**{world.label: world.served[world.label].mask(unknown)}))
