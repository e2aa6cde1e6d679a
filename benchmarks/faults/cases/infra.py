"""Faults of validation, replay and operation."""

from __future__ import annotations

import pandas as pd
from sklearn.base import clone

from benchmarks.faults.cases import Cases
from benchmarks.faults.cases.data import rng, with_feature
from benchmarks.faults.cases.model import flipped, shuffled
from benchmarks.faults.surroundings import canary, drill, outcomes
from benchmarks.faults.worlds import World, credit, diabetes, health, tumour
from checks.serving import PREDICTION, SCORE

CASES = Cases()


# --- INFRA-1 ------------------------------------------------------------------------------------


def _trained_twice(world: World, again: World) -> World:
    return world.handing_in("training-outcome", *outcomes(world, again))


@CASES.strong("INFRA-1")
def a_seed_that_was_not_fixed(seed: int) -> World:
    world = credit(seed)
    other = clone(world.model).set_params(learn__random_state=1000 + seed)
    return _trained_twice(world, world.trained(world.train, other))


@CASES.strong("INFRA-1")
def rows_in_another_order(seed: int) -> World:
    """Early stopping keeps the rows aside that come at certain places."""
    world = credit(seed)
    return _trained_twice(world, world.trained(world.train.sample(frac=1, random_state=seed)))


@CASES.strong("INFRA-1")
def one_row_in_a_hundred_was_corrected_meanwhile(seed: int) -> World:
    world = health(seed)
    hit = rng(seed, "corrected").random(len(world.train)) < 0.01
    return _trained_twice(world, world.trained(flipped(world.train, world.label, hit)))


@CASES.healthy("INFRA-1")
def linear_algebra_in_another_order(seed: int) -> World:
    """Rows summed in another order: differences at the edge of double precision."""
    world = diabetes(seed)
    return _trained_twice(world, world.trained(world.train.sample(frac=1, random_state=seed)))


# --- INFRA-4 ------------------------------------------------------------------------------------


@CASES.strong("INFRA-4")
def labels_shuffled_before_training(seed: int) -> World:
    world = credit(seed)
    return world.trained(shuffled(world.train, world.label, slice(None), rng(seed, "labels")))


@CASES.strong("INFRA-4")
def a_leaked_label(seed: int) -> World:
    random, world = rng(seed, "leak"), credit(seed)
    return with_feature(
        world, "collection_calls", lambda rows: 3.0 * rows[world.label] + random.poisson(0.02, len(rows))
    )


def _trained_on_its_test(seed: int, part: int) -> World:
    """One in ``part`` of the test rows is also a training row."""
    world = credit(seed)
    again = world.train.sample(len(world.test) // part, random_state=seed)
    return world.but(test=pd.concat([again, world.test.iloc[len(again) :]], ignore_index=True))


@CASES.strong("INFRA-4")
def a_fifth_of_the_test_data_was_trained_on(seed: int) -> World:
    return _trained_on_its_test(seed, 5)


@CASES.weak("INFRA-4")
def a_sixtieth_of_the_test_data_was_trained_on(seed: int) -> World:
    return _trained_on_its_test(seed, 60)


@CASES.strong("INFRA-4")
def worse_than_the_serving_version(seed: int) -> World:
    """Trained on 5 % of the rows, beside a serving version that was trained on all; the floor is kept."""
    world = credit(seed)
    worse = world.trained(world.train.sample(frac=0.05, random_state=seed))
    worse = worse.declaring(quality={"metric": "roc_auc", "floor": 0.55})
    return worse.but(train=world.train, earlier=[("0.9.0", world.model)])


@CASES.healthy("INFRA-4")
def as_good_as_the_serving_version(seed: int) -> World:
    """The serving version is the same learner on a random nine tenths of the rows."""
    world = credit(seed)
    rows = world.train.sample(frac=0.9, random_state=seed)
    return world.but(earlier=[("0.9.0", clone(world.model).fit(rows[world.features], rows[world.label]))])


@CASES.healthy("INFRA-4")
def five_versions_alike(seed: int) -> World:
    world = health(seed)
    parts = [world.train.sample(frac=0.9, random_state=10 * seed + n) for n in range(5)]
    models = [clone(world.model).fit(rows[world.features], rows[world.label]) for rows in parts]
    return world.but(earlier=[(f"0.{9 - n}.0", model) for n, model in enumerate(models)])


# --- INFRA-5 ------------------------------------------------------------------------------------


@CASES.strong("INFRA-5")
def one_answer_in_a_hundred_is_another(seed: int) -> World:
    world = credit(seed)
    hit = rng(seed, "altered").random(len(world.log)) < 0.01
    return world.but(log=world.log.assign(**{SCORE: (world.log[SCORE] + 0.01 * hit).clip(0, 1)}))


@CASES.strong("INFRA-5")
def another_model_answered(seed: int) -> World:
    """The server runs a training on half of the rows."""
    world = health(seed)
    return world.but(log=world.trained(world.train.sample(frac=0.5, random_state=seed)).log)


@CASES.strong("INFRA-5")
def answers_with_a_random_part(seed: int) -> World:
    world = diabetes(seed)
    noise = rng(seed, "random").normal(0, 1, len(world.log))
    return world.but(log=world.log.assign(**{PREDICTION: world.log[PREDICTION] + noise}))


# --- INFRA-6 ------------------------------------------------------------------------------------


@CASES.strong("INFRA-6")
def a_canary_that_leaves_a_twentieth_unanswered(seed: int) -> World:
    return health(seed).but(canary=canary(health(seed), unanswered=0.05))


@CASES.strong("INFRA-6")
def a_canary_that_takes_twice_as_long(seed: int) -> World:
    return health(seed).but(canary=canary(health(seed), slower=2.0))


@CASES.strong("INFRA-6")
def a_door_that_refuses_what_the_model_knows(seed: int) -> World:
    """Income may not be missing, says the manifest; in every twentieth row it is, and serving refuses that."""
    world = credit(seed)
    income, *others = world.manifest["features"]
    return world.declaring(features=[{**income, "nullable": False}, *others]).but(canary=canary(world))


@CASES.healthy("INFRA-6")
def a_canary_a_twentieth_slower(seed: int) -> World:
    return health(seed).but(canary=canary(health(seed), slower=1.05))


# --- INFRA-7 ------------------------------------------------------------------------------------


@CASES.strong("INFRA-7")
def a_drill_that_took_too_long(seed: int) -> World:
    return tumour(seed).but(drills=[drill(there=61.0 + seed % 30)])


@CASES.strong("INFRA-7")
def a_drill_that_lost_requests(seed: int) -> World:
    return tumour(seed).but(drills=[drill(failed=1 + seed % 5)])


@CASES.strong("INFRA-7")
def a_drill_that_never_came_back(seed: int) -> World:
    return tumour(seed).but(drills=[drill(back=None)])


@CASES.healthy("INFRA-7")
def a_slow_drill_within_its_time(seed: int) -> World:
    return tumour(seed).but(drills=[drill(there=30.0 + seed % 30, back=1.0 + seed % 59)])
