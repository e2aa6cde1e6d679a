"""What a decision costs the database, and that cheap ones are whole: whoever races, the chain holds."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.access import audit_log
from app.gate.policies import write_policy
from app.signing import keys
from app.signing import service as signing
from app.signing.checkpoints import read
from app.tables import Decision
from tests.gate import planted
from tests.gate.test_decisions import CI, POLICY, ask

pytestmark = pytest.mark.both_databases

WRITES = {"INSERT INTO decision": 1, "UPDATE decision": 1, "UPDATE audit_head": 1, "INSERT INTO audit_log": 1}
MOST_READS = 18


@pytest.fixture(autouse=True)
def subject(database):
    with database.write() as session:
        write_policy(session, "production", POLICY.format(name="production", more=""), "tests")
    version = planted.registered(database)[1]
    with database.write() as session:
        planted.admissible(session, version)
    return version


@contextmanager
def statements(database):
    """The first words of every statement that is sent meanwhile."""
    sent: Counter[str] = Counter()

    def note(_connection, _cursor, statement, *_):
        words = statement.split()
        sent[" ".join(words[: 3 if words[0] == "INSERT" else 2 if words[0] == "UPDATE" else 1])] += 1

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_decision_is_few_statements(database, settings):
    ask(database, settings)
    with statements(database) as sent:
        assert ask(database, settings).status == "pass"
    assert {name: sent[name] for name in sent if name.startswith(("INSERT", "UPDATE"))} == WRITES
    assert sent["SELECT"] + sent["WITH"] <= MOST_READS


def test_racing_decisions_are_each_signed_and_chained(database, settings):
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: ask(database, settings), range(18)))
    with database.read() as session:
        assert audit_log.verification(session).valid
        rows = [session.get_one(Decision, row.id) for row in made]
        assert {row.status for row in rows} == {"pass"}
        assert {signing.stored_problem(session, row) for row in rows} == {None}
        heads = [read(row.envelope, keys.trusted(session)).sequence for row in rows]
    assert len(set(heads)) == len(made)


def test_a_policy_that_changes_between_two_decisions_counts(database, settings):
    before = ask(database, settings)
    with database.write() as session:
        text = POLICY.format(name="production", more="").replace("DATA-1", "DATA-1, MON-1")
        write_policy(session, "production", text, "tests")
    after = ask(database, settings, CI, dry_run=True)
    assert [len(one.body["conditions"]) for one in (before, after)] == [1, 2]
