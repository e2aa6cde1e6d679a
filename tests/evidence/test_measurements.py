"""Measurements: what is refused at the door; and of many which is the newest."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app.db import utcnow
from app.errors import Invalid
from app.evidence.kinds import KINDS
from app.evidence.measured import newest_measurement, newest_measurements
from app.evidence.service import hand_in
from app.tables import Blob
from tests.audits.conftest import plant

SAMPLES = [{"at": "2026-11-01T00:00:00Z", "value": 0.5}, {"at": "2026-11-01T02:00:00+01:00", "value": 1}]
FORM = {"source": {"tool": "prometheus", "name": "http://x"}, "name": "n", "query": "up", "samples": SAMPLES}


def parse(**changes):
    return KINDS["measurements"].parse(json.dumps({**FORM, **changes}).encode())


def test_what_is_written_is_read_again():
    read = parse(unit="ratio")
    assert KINDS["measurements"].parse(read.written()) == read
    assert read.newest.value == 1


def at(moment, value=1.0):
    return {"at": moment if isinstance(moment, str) else moment.isoformat(), "value": value}


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"samples": [at("2026-11-01T00:00:00Z", float("nan"))]}, "samples.0.value", "finite"),
        ({"samples": [at("2026-11-01T00:00:00Z", float("inf"))]}, "samples.0.value", "finite"),
        ({"samples": [at("2026-11-01T00:00:00Z", "many")]}, "samples.0.value", "number"),
        ({"samples": [at("2026-11-01T00:00:00")]}, "samples.0.at", "timezone"),
        ({"samples": []}, "samples", "at least 1"),
        ({"samples": SAMPLES[::-1]}, "", "sample 1 is not later"),
        ({"samples": [SAMPLES[0], SAMPLES[0]]}, "", "sample 1 is not later"),
        ({"samples": [at("1999-12-31T23:59:59Z")]}, "", "before the year 2000"),
        ({"samples": [at(utcnow() + timedelta(days=2))]}, "samples", "lies in the future"),
        ({"query": ""}, "query", "at least 1"),
        ({"qery": "x"}, "qery", 'did you mean "query"?'),
    ],
)
def test_what_is_wrong_is_named(changes, path, says):
    with pytest.raises(Invalid) as refused:
        parse(**changes)
    assert refused.value.errors[0].path == path
    assert says in refused.value.errors[0].message


def test_clocks_may_be_a_little_apart():
    assert parse(samples=[at(utcnow() + timedelta(minutes=4))])


def test_too_many_samples():
    start = utcnow() - timedelta(days=30)
    many = [at(start + timedelta(minutes=i)) for i in range(11_001)]
    assert len(parse(samples=many[1:]).samples) == 11_000
    with pytest.raises(Invalid, match="at most 11000"):
        parse(samples=many)


@pytest.mark.both_databases
def test_the_newest_by_the_time_it_was_measured_of_any_version(database, blobs, identity):
    """Not by the time it was handed in: a job may catch up."""
    with database.write() as session:
        model, one = plant(session, "m", "1.0.0")
        _, two = plant(session, "m", "1.1.0")
        _, other = plant(session, "other", "1.0.0")
        for version, name, when, value in (
            (one, "rate", "2026-11-03T00:00:00Z", 3.0),
            (two, "rate", "2026-11-02T00:00:00Z", 2.0),
            (two, "age", "2026-11-04T00:00:00Z", 4.0),
            (other, "rate", "2026-11-05T00:00:00Z", 5.0),
        ):
            document = parse(name=name, unit="ratio", samples=[at("2026-11-01T00:00:00Z"), at(when, value)])
            stored = blobs.put_bytes(document.written())
            session.add(Blob(digest=stored.digest, size=stored.size))
            given = SimpleNamespace(kind="measurements", digest=stored.digest, filename="m.json", commit=None)
            again = [hand_in(session, version, identity("ci"), given, blobs).id for _ in range(2)]
            assert again[0] == again[1]

    def newest(name, as_of=None):
        found = newest_measurement(session, model.id, name, as_of)
        return found and (found.value, found.version_id, f"{found.at:%d}")

    with database.read() as session:
        assert newest("rate") == (3, one.id, "03")
        assert newest("age") == (4, two.id, "04")
        assert newest("rates") is None
        assert newest("rate", utcnow() + timedelta(minutes=1)) == (3, one.id, "03")
        assert newest("rate", utcnow() - timedelta(days=1)) is None
        found = newest_measurements(session, model.id)
    assert [(each.name, each.value, each.unit, each.tool, each.query) for each in found] == [
        ("age", 4, "ratio", "prometheus", "up"),
        ("rate", 3, "ratio", "prometheus", "up"),
    ]
