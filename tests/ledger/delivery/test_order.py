"""Ten thousand events in any order give the same metrics, and those that the plainest computation gives."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from app.ledger import facts, folding
from app.ledger.delivery.service import PARTS
from app.ledger.history import History
from app.ledger.reading.delivery.metrics import delivery_metrics
from app.tables import Model
from tests.ledger.delivery.oracle import DAYS, MODELS, drawn, naive
from tests.ledger.planting import CI, plant
from tests.ledger.story import at

EVENTS = 10_000


def measured(history: History):
    return delivery_metrics(history, detailed=True)


def shuffled(story, seed) -> History:
    """The history with everything in another order; runs are folded from that order."""
    history, chance = story.history(DAYS), random.Random(seed)
    mixed = chance.sample(story.events, len(story.events))
    parts = ("commits", "ab_tests", "incidents", "deployments", "decisions", "turns")
    return replace(
        history,
        runs=tuple(folding.runs(one for one in mixed if one.kind == "pipeline_run" and one.at <= history.as_of)),
        **{part: tuple(chance.sample(getattr(history, part), len(getattr(history, part)))) for part in parts},
    )


@pytest.fixture(scope="module")
def ten_thousand():
    return drawn(seed=28, events=EVENTS)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_changes_nothing(ten_thousand, seed):
    assert len(ten_thousand.events) == EVENTS
    in_order = measured(ten_thousand.history(DAYS))
    assert measured(shuffled(ten_thousand, seed)) == in_order
    quarter = in_order.fleet.windows[-1]
    assert quarter.lead_to_ready.n > 10, "the story must have what could differ"
    assert quarter.lead_to_production.n > 10
    assert quarter.failures.failed > 10


@pytest.mark.slow
@pytest.mark.both_databases
def test_nor_does_it_through_the_database(ten_thousand, database):
    mixed = list(ten_thousand.events)
    random.Random(4).shuffle(mixed)
    batches = [mixed[i : i + 997] for i in range(0, EVENTS, 997)]
    plant(database, ten_thousand, CI, [*batches, batches[3]])  # one batch is told again
    with database.read() as session:
        rows = [row for row in map(session.get, [Model] * 9, range(1, 9)) if row]
        history = facts.of_models(session, rows, at(DAYS), PARTS)
    assert sum(map(len, (history.commits, history.ab_tests, history.incidents))) == EVENTS * 3 // 4
    assert _numbers(measured(history)) == _numbers(measured(ten_thousand.history(DAYS)))


def _numbers(found):
    """Without the ids of rows."""
    return (
        found.fleet,
        found.teams,
        [(one.name, one.windows, one.trend, one.facts.episodes) for one in found.models],
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_plainest_computation_gives_the_same(seed):
    chance = random.Random(seed)
    story = drawn(seed, events=chance.choice([12, 60, 400]))
    for days in (30, 360):
        found = delivery_metrics(story.history(DAYS), [days])
        for model in MODELS:
            one = next(group.windows[0] for group in found.models if group.name == model)
            lead, restore = one.lead_to_production, one.restore.total
            assert {
                "deployments": one.frequency.deployments,
                "failed": one.failures.failed,
                "lead n": lead.n,
                "lead median": lead.median,
                "lead p90": lead.p90,
                "restore n": restore.n,
                "restore median": restore.median,
                "restore p90": restore.p90,
                "mean": restore.mean,
                "open": one.restore.open,
            } == pytest.approx(naive(story, model, DAYS - days, DAYS)), (seed, days, model)


def test_every_episode_is_split_without_rest(ten_thousand):
    found = measured(ten_thousand.history(DAYS))
    all_of_them = [episode for model in found.models for episode in model.facts.episodes]
    assert len(all_of_them) >= len(MODELS)
    for one in all_of_them:
        assert timedelta(seconds=one.total) == (one.restored_at or at(DAYS)) - one.detected_at
