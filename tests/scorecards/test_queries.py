"""What is read from the database decides the same as everything that is stored, and little of it is read."""

import random
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, text
from sqlmodel import select

from app.scorecards import queries
from app.scorecards.facts import AttestationFact, FindingFact
from app.scorecards.scoring import prune, score
from app.scorecards.service import evidence_facts, scorecard
from app.tables import Attestation, Audit, Finding, Model, Version
from checks import discover
from checks.contract import Verdict
from checks.rubric import TESTS

from . import stored
from .planted import NOW

pytestmark = pytest.mark.both_databases


def all_facts(session, facts, model):
    """``facts`` with every finding and attestation of the model instead of those that the queries chose."""
    names = {row.id: row.name for row in session.exec(select(Version))}
    rows = session.exec(select(Finding).where(Finding.model_id == model.id)).all()
    findings = tuple(
        FindingFact(
            row.check_id,
            Verdict(row.verdict),
            row.automatic,
            row.created_at,
            names[row.version_id],
            row.environment,
            row.cap,
            row.audit_id,
            row.id,
            row.reason,
            row.remedy,
        )
        for row in rows
    )
    attested = tuple(
        AttestationFact(
            row.test_id,
            Verdict(row.result),
            row.person,
            row.created_at,
            row.expires_at,
            names[row.version_id],
            row.environment,
            row.id,
            row.what,
            row.digest,
            row.link,
        )
        for row in session.exec(select(Attestation).where(Attestation.model_id == model.id))
    )
    ran = [
        row for row in rows if row.automatic and row.verdict in {"pass", "fail"} and row.created_at <= facts.as_of
    ]
    runs = {test.id: sum(row.check_id == test.id for row in ran) for test in TESTS}
    runs = {test_id: min(number, 2) for test_id, number in runs.items() if number}
    return replace(facts, findings=findings, attestations=attested, runs=runs)


@pytest.fixture
def crowded(database):
    """Two models of two versions with random evidence on six tests."""
    chance = random.Random(28)
    tests = ["DATA-1", "DATA-6", "MODEL-1", "INFRA-3", "MON-1", "MON-5"]
    with database.write() as session:
        for name in ("credit-default", "other"):
            model = stored.model(session, name)
            versions = [stored.version(session, model, number) for number in ("1.0.0", "1.1.0")]
            for _ in range(250):
                stored.finding(
                    session,
                    chance.choice(versions),
                    chance.choice(tests),
                    days=chance.choice([-3, 0, 1, 7, 14, 30, 60, 365]) + chance.choice([0, 0, 0.25]),
                    verdict=chance.choice(["pass", "fail", "inconclusive", "error"]),
                    automatic=chance.random() < 0.5,
                    cap=chance.choice([None, "by hand"]),
                    environment=chance.choice(["production", "staging", None]),
                )
            for _ in range(10):
                stored.attestation(
                    session,
                    chance.choice(versions),
                    chance.choice(tests),
                    days=chance.choice([-3, 1, 179, 181]),
                    result=chance.choice(["pass", "fail"]),
                    environment=chance.choice(["production", None]),
                )
    return database


@pytest.mark.parametrize("environment", [None, "production", "staging", "nowhere"])
@pytest.mark.parametrize("number", ["1.0.0", "1.1.0"])
def test_what_is_read_decides_the_same_as_all(crowded, environment, number):
    with crowded.read() as session:
        for model in session.exec(select(Model)):
            version = session.exec(
                select(Version).where(Version.model_id == model.id, Version.name == number)
            ).one()
            facts = evidence_facts(session, model, version, environment=environment, as_of=NOW)
            everything = all_facts(session, facts, model)
            assert score(facts) == score(everything)
            assert facts.runs == everything.runs
            assert {item.id for item in facts.findings} == {item.id for item in prune(everything).findings}


def test_scorecards_of_the_past(crowded):
    with crowded.read() as session:
        model = session.exec(select(Model)).first()
        version = session.exec(select(Version).where(Version.model_id == model.id)).first()
        now = scorecard(session, model, version, as_of=NOW)
        first = min(row.created_at for row in session.exec(select(Finding)))
        past = scorecard(session, model, version, as_of=first)
        assert sum(test.score for test in past.tests) < sum(test.score for test in now.tests)
        assert all(test.at <= first for test in past.tests if test.at)


def test_a_version_with_10_000_findings_reads_a_handful_a_test(database, engine_name):
    with database.write() as session:
        version = stored.version(session, stored.model(session))
        place = {"model_id": version.model_id, "version_id": version.id, "environment": "production"}
        empty = {"reason": "", "remedy": "", "measured": {}, "thresholds": {}, "exhibits": [], "inputs": {}}
        ran = {"trigger": "ci", "actor": "ci", "automatic": True, "checks": [], "progress": {}}
        session.execute(insert(Audit), [{"id": number, **place, **ran} for number in range(1, 5001)])
        findings = [
            {
                "audit_id": number,
                "check_id": check_id,
                "verdict": ("pass", "fail", "error")[number % 3],
                "automatic": number % 2 == 0,
                "cap": "by hand" if number > 10 else None,
                "seconds": 0,
                "created_at": NOW - timedelta(hours=5000 - number),
                **place,
                **empty,
            }
            for number in range(1, 5001)
            for check_id in ("DATA-1", "MON-3")
        ]
        session.execute(insert(Finding), findings)
        session.execute(text("ANALYZE finding"))  # as PostgreSQL does by itself after a while
    with database.read() as session:
        model = session.exec(select(Model)).one()
        version = session.exec(select(Version)).one()
        with effort(session) as spent:
            facts = evidence_facts(session, model, version, environment="production", as_of=NOW)
    assert len(facts.findings) <= 8
    assert facts.runs == {"DATA-1": 2, "MON-3": 2}
    assert spent() < LITTLE_EFFORT[engine_name]


LITTLE_EFFORT = {"sqlite": 200_000, "postgresql": 20_000}
"""Steps of SQLite's virtual machine: a scan of all findings takes millions. Rows that PostgreSQL reads: a scan for
each of the 28 tests takes 280,000; to look past the capped ones, as here, it reads some thousands.
"""


@contextmanager
def effort(session):
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        steps = []
        driver = connection.connection.driver_connection
        driver.set_progress_handler(lambda: steps.append(1) and 0, 1000)
        yield lambda: len(steps) * 1000
        driver.set_progress_handler(None, 0)
    else:
        yield lambda: read
        rows_read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'finding'"
        read = connection.exec_driver_sql(rows_read).scalar_one()


@pytest.mark.sqlite_only(reason="PostgreSQL plans by what the tables hold; the effort is measured above")
@pytest.mark.parametrize(
    ("statement", "where", "index"),
    [
        (queries._OF_VERSION, {"version_id": 1}, "ix_finding_version"),
        (queries._OF_MODEL, {"model_id": 1}, "ix_finding_model"),
        (queries._OF_ENVIRONMENT, {"model_id": 1, "environment": "x"}, "ix_finding_environment"),
        (queries._RUN_COUNTS, {"model_id": 1}, "ix_finding_model"),
    ],
)
def test_findings_are_found_in_an_index_alone(database, statement, where, index):
    with database.read() as session:
        sql = []
        event.listen(
            database.engine,
            "before_cursor_execute",
            lambda _c, _cursor, text, parameters, *_: sql.append((text, parameters)),
        )
        session.connection().execute(statement, {**where, "as_of": NOW})
        text, parameters = next(item for item in sql if "finding" in item[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).all()
    lookups = [row.detail for row in plan if "finding" in row.detail and row.detail.startswith(("SEARCH", "SCAN"))]
    assert lookups
    for lookup in lookups:
        assert lookup.startswith(f"SEARCH finding USING COVERING INDEX {index} (")
        assert "check_id=? AND automatic=? AND verdict=? AND created_at<?" in lookup


def test_recurrence_counts_the_models_runs_on_any_version(database):
    with database.write() as session:
        model = stored.model(session)
        old, new = stored.version(session, model), stored.version(session, model, "1.1.0")
        stored.finding(session, old, "DATA-1", days=40)
        stored.finding(session, new, "DATA-1", days=1)
        stored.finding(session, old, "DATA-4", days=40, automatic=False)
        stored.finding(session, old, "DATA-4", days=40, verdict="inconclusive")
        stored.finding(session, new, "DATA-4", days=1)
        card = scorecard(session, model, new, as_of=NOW)
        assert card.test("DATA-1").score == 1
        assert card.test("DATA-4").score == 0.5
        before = scorecard(session, model, old, as_of=NOW.replace(day=1, month=2))
        assert before.test("DATA-1").score == 0.5


def test_windows_come_from_the_model_and_the_caller(database):
    with database.write() as session:
        model = stored.model(session, retraining_days=90)
        version = stored.version(session, model)
        facts = evidence_facts(session, model, version, windows={"DATA-1": 7})
        assert (facts.windows["INFRA-3"], facts.windows["DATA-1"], facts.windows["DATA-4"]) == (90, 7, 30)
        assert facts.automated == set(discover())
        version.manifest = {"version": {"pipeline": {"name": "p", "cadence_days": 14}}}
        assert evidence_facts(session, model, version).windows["INFRA-3"] == 14
