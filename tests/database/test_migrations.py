"""The schema on both engines: up, down, up again, on full tables, and by several servers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Boolean, DateTime, Float, Integer, MetaData, func, insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from app.access import audit_log
from app.config import ROOT, Settings
from app.db import Database
from app.errors import AssayError
from app.migrate import connected, upgrade

pytestmark = pytest.mark.both_databases

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES = {JSON: {"a": [1]}, Boolean: True, DateTime: MOMENT, Float: 0.5}
ROWS = 3
"""In each table. Row 1 refers to rows 1, and so on."""


@pytest.fixture
def fresh(tmp_path, empty_database):
    return Settings(data_dir=tmp_path, database_url=empty_database)


@pytest.fixture
def migrate(fresh):
    """``migrate("0001")``: up or down to that revision."""

    def to(revision, way=command.upgrade):
        config = Config(ROOT / "alembic.ini")
        with connected(fresh) as connection:
            config.attributes["connection"] = connection
            way(config, revision)

    return to


@pytest.fixture
def connection(fresh):
    database = Database(fresh.sqlalchemy_url)
    with database.engine.connect() as opened:
        yield opened
    database.dispose()


def fill(connection):
    """Rows in every table there is; how many each has."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if table.name != "alembic_version":
            connection.execute(insert(table), [row(table, number) for number in range(1, ROWS + 1)])
    connection.commit()
    return counts(connection)


def row(table, number):
    return {column.name: value(column, number) for column in table.columns}


def value(column, number):
    if isinstance(column.type, Integer):
        return number
    found = [value for kind, value in VALUES.items() if isinstance(column.type, kind)]
    if found:
        return found[0]
    return f"{next(iter(column.foreign_keys)).column.name if column.foreign_keys else column.name}-{number}"


def counts(connection):
    found = MetaData()
    found.reflect(connection)
    connection.rollback()
    tables = [table for table in found.sorted_tables if table.name != "alembic_version"]
    counted = {table.name: connection.scalar(select(func.count()).select_from(table)) for table in tables}
    connection.rollback()
    return counted


def test_the_newest_schema_is_what_the_tables_say(fresh, connection):
    upgrade(fresh)
    found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), SQLModel.metadata)
    assert found == []


def test_a_full_first_schema_keeps_its_rows_on_the_way_up_and_down(migrate, connection):
    migrate("0001")
    before = fill(connection)
    assert set(before.values()) == {ROWS}
    migrate("head")
    after = counts(connection)
    assert {name: after[name] for name in before} == before
    assert set(after) == set(SQLModel.metadata.tables)
    migrate("0001", command.downgrade)
    assert counts(connection) == before
    migrate("head")
    assert counts(connection) == after


def test_what_is_new_has_a_value_in_old_rows(migrate, connection):
    migrate("0001")
    fill(connection)
    migrate("head")
    schedules = connection.execute(select(SQLModel.metadata.tables["schedule"])).all()
    assert {(one.environment, one.catch_up) for one in schedules} == {("", "latest")}
    slots = connection.execute(select(SQLModel.metadata.tables["schedule_slot"])).all()
    assert {one.status for one in slots} == {"queued"}


def test_entries_from_before_the_chain_are_chained(migrate, fresh, connection):
    migrate("0011")
    fill(connection)
    migrate("head")
    database = Database(fresh.sqlalchemy_url)
    with database.write() as session:
        audit_log.record(session, "ada", "a.b", "c/1")
    with database.read() as session:
        found = audit_log.verification(session)
    database.dispose()
    assert (found.valid, found.count, found.head.sequence) == (True, ROWS + 1, ROWS + 1)


def test_predictions_take_the_version_of_their_batch_and_go_down_once_a_request(migrate, connection):
    migrate("0002")
    fill(connection)
    migrate("head")
    batch, prediction = (SQLModel.metadata.tables[name] for name in ("prediction_batch", "prediction"))
    joined = prediction.join(batch, batch.c.id == prediction.c.batch_id)
    pairs = select(prediction.c.version_id, batch.c.version_id).select_from(joined)
    assert sorted(tuple(row) for row in connection.execute(pairs)) == [(1, 1), (2, 2), (3, 3)]
    answer = connection.execute(select(prediction).where(prediction.c.model_id == 1)).mappings().one()
    connection.execute(insert(prediction), {**answer, "version_id": 2})
    connection.commit()
    migrate("0002", command.downgrade)
    assert counts(connection)["prediction"] == ROWS


def test_down_to_nothing_and_up_again(migrate, connection):
    migrate("head")
    migrate("base", command.downgrade)
    assert inspect(connection).get_table_names() == ["alembic_version"]
    connection.rollback()
    migrate("head")
    assert set(counts(connection)) == set(SQLModel.metadata.tables)


def test_a_migration_that_would_orphan_rows_is_not_made(fresh, connection):
    upgrade(fresh)
    orphan = (
        "INSERT INTO schedule (model_id, cron, enabled, created_at) VALUES (7, '', true, '2026-03-01 12:00:00')"
    )
    with pytest.raises((AssayError, IntegrityError), match="schedule"), connected(fresh) as opened:
        opened.exec_driver_sql(orphan)
    assert connection.exec_driver_sql("SELECT count(*) FROM schedule").scalar_one() == 0


def test_servers_that_start_at_once_migrate_once(postgres, tmp_path):
    with postgres.database() as url:
        settings = Settings(data_dir=tmp_path, database_url=url)
        with ThreadPoolExecutor(4) as servers:
            list(servers.map(upgrade, [settings] * 4))
        database = Database(settings.sqlalchemy_url)
        with database.engine.connect() as opened:
            assert set(counts(opened)) == set(SQLModel.metadata.tables)
        database.dispose()
