"""Scores from a real database against the rubric's table, written down here once more and by itself.

Nothing of the scoring is imported but what is tested: windows and scopes are the rubric's own figures, runs are
counted from what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.scorecards.service import scorecard

from . import stored

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
FIGURES = {  # test: (scope, window in days) of one test of every window and scope that the rubric has
    "DATA-4": ("V", 30),
    "DATA-7": ("V", 90),
    "INFRA-1": ("V", 180),
    "MODEL-1": ("V", 365),
    "MON-1": ("S", 7),
    "INFRA-7": ("S", 30),
    "DATA-6": ("S", 180),
}
EDGES = st.sampled_from([-INSTANT, timedelta(), INSTANT, 5 * DAY])
_names = count(1)


@dataclass(frozen=True)
class Happened:
    """A run, or an attestation where ``valid_days`` is set."""

    test: str
    at: datetime
    verdict: str
    version: str
    place: str | None
    automatic: bool = True
    cap: str | None = None
    valid_days: int = 0


def beside(test, windows, edge):
    """So many windows ago, or just before or after."""
    return NOW - windows * FIGURES[test][1] * DAY + edge


WHERE = {
    "version": st.sampled_from(["1.0.0", "0.9.0"]),
    "place": st.sampled_from(["production", "staging", None]),
}
TESTS = st.sampled_from(sorted(FIGURES))
RUNS = st.builds(
    lambda test, windows, edge, **more: Happened(test, beside(test, windows, edge), **more),
    TESTS,
    st.sampled_from([0, 0.5, 1, 1, 2, 2, 3]),
    EDGES,
    verdict=st.sampled_from(["pass", "fail", "pass", "fail", "inconclusive", "error"]),
    automatic=st.sampled_from([True, True, False]),
    cap=st.sampled_from([None, None, "by hand"]),
    **WHERE,
)
ATTESTATIONS = st.builds(
    lambda test, valid_days, ended, edge, **more: Happened(
        test, NOW - ended * valid_days * DAY + edge, valid_days=valid_days, **more
    ),
    TESTS,
    st.sampled_from([1, 180]),
    st.sampled_from([0, 0.5, 1, 1]),
    EDGES,
    verdict=st.sampled_from(["pass", "fail"]),
    **WHERE,
)


def worth(happened: list[Happened], test: str, place: str | None) -> float:
    """The highest row of the table that holds for version 1.0.0, looked at in ``place`` (None: anywhere)."""
    scope, days = FIGURES[test]
    past = [one for one in happened if one.test == test and one.at <= NOW]
    runs = [one for one in past if not one.valid_days and one.verdict in ("pass", "fail")]
    recurring = sum(one.automatic for one in runs) >= 2  # for the model: on any version, anywhere

    def here(one: Happened) -> bool:
        return one.version == "1.0.0" if scope == "V" else place is None or one.place == place

    def row(one: Happened) -> float:
        old = NOW - one.at
        if one.valid_days:
            return 0.5 if old < one.valid_days * DAY else 0
        if not one.automatic:
            return 0.5 if old <= days * DAY else 0
        if old > days * DAY:
            return 0.5 if old < 2 * days * DAY else 0
        return 1 if recurring and one.cap is None else 0.5

    return max((row(one) for one in [*runs, *(one for one in past if one.valid_days)] if here(one)), default=0)


def plant(session, happened):
    model = stored.model(session, f"model-{next(_names)}")
    versions = {name: stored.version(session, model, name) for name in ("0.9.0", "1.0.0")}
    for one in happened:
        where = {"environment": one.place, "created_at": one.at}
        if one.valid_days:
            ends = one.at + one.valid_days * DAY
            stored.attestation(
                session, versions[one.version], one.test, result=one.verdict, expires_at=ends, **where
            )
        else:
            row = {"verdict": one.verdict, "automatic": one.automatic, "cap": one.cap}
            stored.finding(session, versions[one.version], one.test, **row, **where)
    return model, versions["1.0.0"]


def scored(database, happened, place):
    with database.write() as session:
        model, version = plant(session, happened)
        card = scorecard(session, model, version, environment=place, as_of=NOW)
    return {test: card.test(test).score for test in FIGURES}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(RUNS, RUNS, RUNS, ATTESTATIONS), max_size=14), st.sampled_from([None, "production"]))
def test_the_table_holds_for_whatever_happened(database, happened, place):
    assert scored(database, happened, place) == {test: worth(happened, test, place) for test in FIGURES}


def run(test, windows, edge=timedelta(), **fields):
    fields = {"verdict": "pass", "version": "1.0.0", "place": "production"} | fields
    return Happened(test, beside(test, windows, edge), **fields)


@pytest.mark.parametrize("test", FIGURES)
@pytest.mark.parametrize(
    ("windows", "edge", "earned"),
    [(0, 0 * DAY, 1), (1, 0 * DAY, 1), (1, -INSTANT, 0.5), (2, INSTANT, 0.5), (2, 0 * DAY, 0)],
)
def test_every_window_at_its_edges(database, test, windows, edge, earned):
    older = run(test, 9)
    assert scored(database, [run(test, windows, edge), older], "production")[test] == earned
    assert scored(database, [run(test, windows, edge)], "production")[test] == min(earned, 0.5)
    assert scored(database, [run(test, windows, edge, cap="by hand"), older], "production")[test] == min(
        earned, 0.5
    )


@pytest.mark.parametrize("test", FIGURES)
def test_recurrence_is_the_models_and_the_worth_is_where_it_belongs(database, test):
    elsewhere = run(test, 0.5, version="0.9.0", place="staging")
    assert scored(database, [run(test, 0.5), elsewhere], "production")[test] == 1
    assert scored(database, [elsewhere, elsewhere], "production")[test] == 0
    carried = run(test, 0.5, version="0.9.0")
    assert scored(database, [carried, carried], "production")[test] == (1 if FIGURES[test][0] == "S" else 0)


@pytest.mark.parametrize("second", [{"verdict": "inconclusive"}, {"verdict": "error"}, {"automatic": False}])
def test_what_is_no_completed_automatic_run_does_not_recur(database, second):
    assert scored(database, [run("DATA-4", 0.5), run("DATA-4", 0.2, **second)], None)["DATA-4"] == 0.5
