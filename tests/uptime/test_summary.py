"""What a handful of probes says, at every boundary; and what holds whatever was probed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.uptime.summary import Outage, Sample, quantile, stretches, strip, summarise

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def up(minutes, seconds=0.1):
    return Sample(at(minutes), True, seconds)


def down(minutes, error="answered 500 instead of 200"):
    return Sample(at(minutes), False, 0.1, error)


def refused(minutes):
    return Sample(at(minutes), None, 0.0, "not called")


def over(samples, until=10.0, since=0.0):
    return summarise(samples, at(since), at(until), MINUTE)


def states(samples, until=10.0, since=0.0):
    return [(one.state, one.length / MINUTE) for one in stretches(samples, at(since), at(until), MINUTE)]


def test_nobody_asked():
    told = over([])
    assert (told.availability, told.known, told.unknown_seconds, told.probes) == (None, 0, 600, 0)
    assert (told.p50, told.p95, told.p99, told.outages) == (None, None, None, ())


def test_always_up():
    told = over([up(i) for i in range(10)])
    assert (told.availability, told.known, told.outages) == (1, 1, ())


def test_a_probe_speaks_for_one_and_a_half_intervals_and_no_longer():
    assert states([up(0)]) == [("up", 1.5), ("unknown", 8.5)]
    assert states([up(0), up(1.5)], until=2) == [("up", 2)]
    assert states([up(0), up(1.6)], until=2) == [("up", 1.5), ("unknown", pytest.approx(0.1)), ("up", 0.4)]


def test_a_gap_is_unknown_and_neither_up_nor_down():
    told = over([up(0), up(1), up(8), up(9)])
    assert (told.up_seconds, told.down_seconds, told.unknown_seconds) == (270, 0, 330)
    assert (told.availability, told.known) == (1, 0.45)


def test_what_could_not_be_asked_is_unknown_and_no_probe():
    told = over([up(0), refused(1), refused(2), down(3), up(4)], until=5)
    assert (told.up_seconds, told.down_seconds, told.unknown_seconds) == (120, 60, 120)
    assert (told.probes, told.failures) == (3, 1)


def test_time_counts_and_not_the_number_of_probes():
    told = over([down(0), down(0.1), down(0.2), up(0.3), up(1.3)], until=2.3)
    assert told.availability == pytest.approx(2 / 2.3)


def test_an_outage_lasts_from_its_first_failure_to_the_next_answer():
    told = over([up(0), down(1, "first"), down(2, "second"), up(3), up(4)], until=5)
    assert told.outages == (Outage(at(1), at(3), True, 120, "first"),)


def test_an_outage_that_lasts():
    assert over([up(0), down(1)], until=2).outages == (
        Outage(at(1), None, False, 60, "answered 500 instead of 200"),
    )


def test_an_outage_that_nobody_saw_the_end_of():
    told = over([down(0), up(5)], until=6)
    assert told.outages == (Outage(at(0), at(1.5), False, 90, "answered 500 instead of 200"),)


def test_an_outage_that_began_before_the_window_is_cut_at_its_edge():
    told = over([down(-1, "before"), down(0, "at"), up(1)], until=2)
    assert told.outages == (Outage(at(0), at(1), True, 60, "at"),)
    assert over([down(-0.5, "before"), up(0.5)], until=1).outages[0].reason == "before"


def test_the_edges_of_a_window():
    told = over([up(0, 1.0), up(1, 2.0), down(2)], until=2)
    assert (told.probes, told.failures, told.p99) == (2, 0, 2.0)
    assert over([up(-1.5)], until=1).known == 0
    assert over([up(-1.4)], until=1).known == pytest.approx(0.1)


def test_of_two_at_the_same_moment_the_worse_counts():
    for pair in ([up(0), down(0)], [down(0), up(0)]):
        assert over(pair, until=1).availability == 0


def test_latency_is_that_of_answers():
    told = over([up(i / 20, i / 100) for i in range(1, 101)] + [Sample(at(6), False, 30)], until=7)
    assert (told.p50, told.p95, told.p99) == (0.5, 0.95, 0.99)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3], 0.99, 3), ([1, 2], 0.5, 1), ([1, 2], 0.51, 2), (range(1, 21), 0.95, 19)],
)
def test_quantiles_by_nearest_rank(values, share, expected):
    assert quantile(list(values), share) == expected


def test_a_cell_is_as_bad_as_the_worst_in_it():
    told = stretches([up(0), up(1), down(2.5), up(3), up(4)], at(0), at(8), MINUTE)
    assert strip(told, 8) == ["up", "up", "down", "up", "up", "unknown", "unknown", "unknown"]
    assert strip([], 8) == []


# --- whatever was probed --------------------------------------------------------------------------

A_SAMPLE = st.builds(
    lambda second, ok, seconds, error: Sample(NOON + timedelta(seconds=second), ok, seconds, error),
    st.integers(-200, 900),
    st.sampled_from([True, False, None]),
    st.floats(0, 30),
    st.sampled_from([None, "a", "b"]),
)
SAMPLES = st.lists(A_SAMPLE, max_size=40)


@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(samples, shuffler: random.Random):
    shuffled = list(samples)
    shuffler.shuffle(shuffled)
    assert over(shuffled) == over(samples)


@given(SAMPLES)
def test_every_second_is_in_one_state_and_outages_are_what_was_down(samples):
    told = over(samples)
    assert told.up_seconds + told.down_seconds + told.unknown_seconds == pytest.approx(600)
    assert sum(one.seconds for one in told.outages) == pytest.approx(told.down_seconds)
    assert told.availability is None or 0 <= told.availability <= 1


@given(SAMPLES, st.integers(1, 599))
def test_two_halves_make_the_whole(samples, cut):
    whole, left, right = over(samples), over(samples, until=cut / 60), over(samples, since=cut / 60)
    assert left.up_seconds + right.up_seconds == pytest.approx(whole.up_seconds)
    assert left.down_seconds + right.down_seconds == pytest.approx(whole.down_seconds)
    assert left.probes + right.probes == whole.probes


@given(SAMPLES, st.data())
def test_a_failure_more_never_raises_the_availability(samples, data):
    if not samples:
        return
    index = data.draw(st.integers(0, len(samples) - 1))
    one = samples[index]
    worse = [*samples[:index], Sample(one.at, False, one.seconds, one.error), *samples[index + 1 :]]
    before, after = over(samples), over(worse)
    assert after.up_seconds <= before.up_seconds + 1e-6
    assert after.down_seconds >= before.down_seconds - 1e-6
