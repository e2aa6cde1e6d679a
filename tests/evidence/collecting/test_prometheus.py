"""A real Prometheus is asked by PromQL, and what it says becomes evidence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.errors import Invalid
from app.evidence.collecting import prometheus as collector
from app.evidence.measured import newest_measurement
from app.evidence.measurements import parse
from app.tables import Model
from tests.audits.waiting import wait_until
from tests.integrations.prometheus_server import started

pytestmark = pytest.mark.slow

MODEL, VERSION = "tumour-malignancy", "1.0.0"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server that has scraped itself a few times."""
    with started(tmp_path_factory.mktemp("prometheus") / "server", "", "none") as prometheus:
        wait_until(lambda: (prometheus.value("count_over_time(up[1m])") or 0) > 3)
        yield prometheus


def test_a_value_becomes_evidence_and_the_newest_is_found(
    watched,
    registered,
    pipeline,
    database,
    client,
):
    registered()
    given = ("--query", 'max(up{job="assay"}) * 0.25', "--name", "approval_rate", "--unit", "ratio")
    place = ("--url", watched.url, "--model", MODEL, "--version", VERSION)
    before = datetime.now(UTC) - timedelta(seconds=5)
    code, said = pipeline("evidence", "collect", "prometheus", *given, *place, "--push")
    assert (code, "evidence 1: measurements" in said) == (0, True), said
    with database.read() as session:
        model_id = session.exec(select(Model.id).where(Model.name == MODEL)).one()
        found = newest_measurement(session, model_id, "approval_rate")
        assert newest_measurement(session, model_id, "approval") is None
        assert newest_measurement(session, model_id, "approval_rate", as_of=before) is None
    assert (found.value, found.unit, found.tool, found.automatic) == (0.25, "ratio", "prometheus", True)
    assert before < found.at < datetime.now(UTC) + timedelta(seconds=5)
    shown = client("viewer").get(f"/api/v1/models/{MODEL}/versions/{VERSION}/evidence").json()
    assert "measurements" in str(shown)


def test_a_stretch_of_time(watched, tmp_path, pipeline):
    until = datetime.now(UTC)
    since = until - timedelta(seconds=2)
    given = ("--query", "vector(7)", "--name", "seven", "--step", "1s", "--since", since.isoformat())
    path = tmp_path / "out.json"
    code, said = pipeline(
        "evidence", "collect", "prometheus", *given, "--until", until.isoformat(), "--url", watched.url, "-o", path
    )
    assert code == 0, said
    form = parse(path.read_bytes())
    assert [one.value for one in form.samples] == [7, 7, 7]
    assert (form.newest.at - form.samples[0].at) == timedelta(seconds=2)
    assert (form.source.name, form.query) == (watched.url, "vector(7)")


def test_no_password_is_written_down(watched):
    with collector.connect(watched.url.replace("http://", "http://user:s3cret@")) as server:
        assert collector.instant(server, "vector(3)", "x").source.name == watched.url


def test_a_token_is_sent(monkeypatch):
    monkeypatch.setenv("PROMETHEUS_TOKEN", "t")
    with collector.connect("http://127.0.0.1:9") as server:
        assert server._http.headers["Authorization"] == "Bearer t"
        with pytest.raises(Invalid, match="does not answer"):
            collector.instant(server, "up", "x")


def test_what_could_not_be_handed_in_is_not_collected(watched):
    with collector.connect(watched.url) as server, pytest.raises(Invalid, match="name: "):
        collector.instant(server, "vector(3)", " ")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("nothing_of_that_name", "gives nothing"),
        ("vector(0) / 0", "gives NaN at"),
        ("vector(1) / 0", "gives +Inf at"),
        ("prometheus_http_requests_total", "aggregate it to one series"),
        ('"text"', "gives a string"),
        ("up[5s]", "gives a matrix"),
        ("sum(", "parse error"),
    ],
)
def test_what_is_no_number_is_refused(query, says, watched):
    with collector.connect(watched.url) as server, pytest.raises(Invalid, match=re.escape(says)):
        collector.instant(server, query, "x")


def test_a_scalar_is_a_number(watched):
    with collector.connect(watched.url) as server:
        assert collector.instant(server, "scalar(vector(3))", "x").newest.value == 3
