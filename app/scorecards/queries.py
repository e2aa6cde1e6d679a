"""The evidence that scores are made of, read by index: a handful of rows a test, however many were stored.

For each test the newest finding of every (automatic, verdict) is looked up, and the newest uncapped one among
the conclusive automatic ones, in the indices alone: every other finding is older than one that is worth as much.
Then only the decisive ones among these are read. The statements are text because SQLAlchemy does not cache
VALUES and would take ten times as long to write them out as SQLite takes to answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlmodel
from sqlalchemy import ColumnElement, Select, TextClause, and_, bindparam, func, or_, select, text
from sqlmodel import Session, col

from app.acceptances import queries as acceptances
from app.db import UTCDateTime
from app.scorecards.facts import CONCLUSIVE, AttestationFact, FindingFact
from app.scorecards.schemas import DecisionBrief, HoldoutOut
from app.tables import (
    Acceptance,
    Attestation,
    Dataset,
    Decision,
    Finding,
    Model,
    Schedule,
    Version,
    VersionDataset,
)
from checks.contract import Scope, Verdict
from checks.rubric import TESTS

MEASURED_ON_IT = "INFRA-4"
"""The test that measures a version's quality on its test data."""
ENOUGH_RUNS = 2
"""Recurrence asks for two runs, so no more are counted."""

_CONCLUSIVE = tuple(sorted(verdict.value for verdict in CONCLUSIVE))
_FIELDS: tuple[Any, ...] = (
    Finding.check_id,
    Finding.verdict,
    Finding.automatic,
    Finding.created_at,
    Version.name,
    Finding.environment,
    Finding.cap,
    Finding.audit_id,
    Finding.id,
    Finding.reason,
    Finding.remedy,
)
"""A FindingFact's fields, in order."""

_FACTS = (
    select(*_FIELDS)
    .join(Version, col(Finding.version_id) == Version.id)
    .where(col(Finding.id).in_(bindparam("ids", expanding=True)))
)


def _attestations(*of_system: ColumnElement[bool]) -> Select[Attestation, str]:
    """Written once: building it would take longer than answering it."""
    system_tests = [test.id for test in TESTS if test.scope == Scope.SYSTEM]
    of_version = col(Attestation.version_id) == bindparam("version_id")
    return (
        select(Attestation, col(Version.name))
        .join(Version, col(Attestation.version_id) == Version.id)
        .where(
            col(Attestation.model_id) == bindparam("model_id"),
            col(Attestation.created_at) <= bindparam("as_of"),
            or_(of_version, and_(col(Attestation.test_id).in_(system_tests), *of_system)),
        )
    )


_ATTESTATIONS = _attestations()
_ATTESTATIONS_IN = _attestations(col(Attestation.environment) == bindparam("environment"))
_CRONS = sqlmodel.select(Schedule.environment, Schedule.cron).where(Schedule.model_id == bindparam("model_id"))


def _values(rows: Iterable[tuple[str | bool, ...]]) -> str:
    """A VALUES list of our own constants, which SQLAlchemy's construct could not cache."""
    return ", ".join(f"({', '.join(repr(v) if isinstance(v, str) else str(v) for v in row)})" for row in rows)


def _statement(sql: str, scopes: Iterable[Scope], **parts: str) -> TextClause:
    tests = _values((test.id,) for test in TESTS if test.scope in scopes)
    verdicts = [verdict.value for verdict in Verdict if verdict != Verdict.NONE]
    kinds = [(automatic, verdict, False) for automatic in (True, False) for verdict in verdicts]
    kinds += [(True, verdict, True) for verdict in _CONCLUSIVE]
    rendered = sql.format(tests=tests, kinds=_values(kinds), conclusive=_values([_CONCLUSIVE]), **parts)
    return text(rendered).bindparams(bindparam("as_of", type_=UTCDateTime()))


_FINDING = """
        FROM finding
        WHERE {where}
          AND finding.check_id = tests.test_id
          AND finding.automatic = kinds.automatic
          AND finding.verdict = kinds.verdict
          AND (NOT kinds.uncapped OR finding.cap IS NULL)
          AND finding.created_at <= :as_of
"""

_NEWEST = """
    WITH tests(test_id) AS (VALUES {tests}),
         kinds(automatic, verdict, uncapped) AS (VALUES {kinds})
    SELECT * FROM (
        SELECT
            (SELECT finding.id {finding} ORDER BY finding.created_at DESC, finding.id DESC LIMIT 1) AS id,
            (SELECT max(finding.created_at) {finding}) AS at,
            tests.test_id, kinds.automatic, kinds.verdict, kinds.uncapped
        FROM tests CROSS JOIN kinds
    ) AS newest
    WHERE id IS NOT NULL
"""
"""Id and time of the newest finding of each test and kind."""

_RUNS = """
    WITH tests(test_id) AS (VALUES {tests})
    SELECT tests.test_id, (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM finding
            WHERE finding.model_id = :model_id
              AND finding.check_id = tests.test_id
              AND finding.automatic = true
              AND finding.verdict IN {conclusive}
              AND finding.created_at <= :as_of
            ORDER BY finding.verdict -- else PostgreSQL hopes to find two rows soon by a scan
            LIMIT {enough}
        ) AS runs
    )
    FROM tests
"""


def _newest(scope: Scope, where: str) -> TextClause:
    return _statement(_NEWEST.replace("{finding}", _FINDING), [scope], where=where)


_OF_VERSION = _newest(Scope.VERSION, "finding.version_id = :version_id")
_OF_MODEL = _newest(Scope.SYSTEM, "finding.model_id = :model_id")
_OF_ENVIRONMENT = _newest(Scope.SYSTEM, "finding.model_id = :model_id AND finding.environment = :environment")
_RUN_COUNTS = _statement(_RUNS, Scope, enough=str(ENOUGH_RUNS))


def newest_findings(
    session: Session, model: Model, version: Version, environment: str | None, as_of: datetime
) -> tuple[FindingFact, ...]:
    """The findings up to ``as_of`` that decide the version's scores.

    System tests are read in ``environment`` (None: in any), on any version of the model.
    """
    connection = session.connection()
    asked = {"as_of": as_of, "model_id": model.id, "version_id": version.id, "environment": environment}
    parts = _OF_VERSION, _OF_MODEL if environment is None else _OF_ENVIRONMENT
    rows = [row for part in parts for row in connection.execute(part, asked).all()]
    found = connection.execute(_FACTS, {"ids": list(_decisive(rows))}).all()
    return tuple(FindingFact(row[0], Verdict(row[1]), *row[2:]) for row in found)


def _decisive(rows: Iterable[Any]) -> set[int]:
    """Of each test the newest finding, and the newest conclusive one of each worth; nothing else matters."""
    newest: dict[tuple[Any, ...], tuple[Any, int]] = {}
    for found, at, test_id, automatic, verdict, uncapped in rows:
        worths = [(test_id,), (test_id, automatic, uncapped)] if verdict in _CONCLUSIVE else [(test_id,)]
        for worth in worths:
            newest[worth] = max(newest.get(worth, (at, found)), (at, found))
    return {found for _, found in newest.values()}


def automatic_runs(session: Session, model: Model, as_of: datetime) -> dict[str, int]:
    """Completed conclusive automatic runs of the model by test id up to ``as_of``; 2 stands for two or more."""
    rows = session.connection().execute(_RUN_COUNTS, {"model_id": model.id, "as_of": as_of}).all()
    return {test_id: count for test_id, count in rows if count}


def attestations(
    session: Session, model: Model, version: Version, environment: str | None, as_of: datetime
) -> tuple[AttestationFact, ...]:
    """The attestations up to ``as_of`` for this version and for the model's system tests in ``environment``."""
    asked = {"model_id": model.id, "version_id": version.id, "environment": environment, "as_of": as_of}
    found = session.execute(_ATTESTATIONS if environment is None else _ATTESTATIONS_IN, asked)
    return tuple(_as_fact(row, name) for row, name in found)


def declarations(
    agreed: Iterable[Acceptance], version: Version, environment: str | None, as_of: datetime
) -> tuple[AttestationFact, ...]:
    """What two people declared not applicable to the model, as of then, wherever it is and whatever version."""
    return tuple(
        AttestationFact(
            test_id=row.test_id,
            result=Verdict.NOT_APPLICABLE,
            person=row.requested_by,
            at=row.agreed_at or row.created_at,
            expires_at=row.expires_at,
            version=version.name,
            environment=environment,
            attestation_id=row.id,
            what=row.reason,
            agreed_by=row.agreed_by,
        )
        for row in agreed
        if row.kind == "not_applicable" and acceptances.holds(row, as_of)
    )


def _as_fact(row: Attestation, version_name: str) -> AttestationFact:
    return AttestationFact(
        test_id=row.test_id,
        result=Verdict(row.result),
        person=row.person,
        at=row.created_at,
        expires_at=row.expires_at,
        version=version_name,
        environment=row.environment,
        attestation_id=row.id,
        what=row.what,
        digest=row.digest,
        link=row.link,
    )


def exhibits(session: Session, finding_ids: Iterable[int]) -> dict[int, Sequence[dict[str, str]]]:
    """The exhibits (name, media_type, digest) of each finding that has some."""
    query = select(col(Finding.id), col(Finding.exhibits)).where(col(Finding.id).in_(set(finding_ids)))
    return {found: made for found, made in session.execute(query) if made}


def holdout(session: Session, version: Version, as_of: datetime) -> HoldoutOut | None:
    """How often the model's versions were measured on the test data of ``version``, up to ``as_of``."""
    of_test = and_(col(VersionDataset.dataset_id) == Dataset.id, col(VersionDataset.role) == "test")
    own = select(col(Dataset.digest)).join(VersionDataset, of_test)
    digest = session.scalar(own.where(col(VersionDataset.version_id) == version.id))
    if digest is None:
        return None
    query = (
        select(func.count(col(Finding.version_id).distinct()), func.count(col(Finding.id)))
        .join(VersionDataset, col(VersionDataset.version_id) == Finding.version_id)
        .join(Dataset, of_test)
        .where(
            col(Finding.model_id) == version.model_id,
            col(Finding.check_id) == MEASURED_ON_IT,
            col(Finding.verdict).in_(_CONCLUSIVE),
            col(Finding.created_at) <= as_of,
            col(Dataset.digest) == digest,
        )
    )
    versions, evaluations = session.execute(query).one()
    return HoldoutOut(digest=digest, versions=versions, evaluations=evaluations)


def newest_decisions(session: Session, model_ids: Sequence[int]) -> dict[int, list[DecisionBrief]]:
    """The newest decision of each environment by model id, environments in alphabetical order."""
    newest = (
        select(func.max(Decision.id))
        .where(col(Decision.model_id).in_(model_ids))
        .group_by(col(Decision.model_id), col(Decision.environment))
    )
    fields: tuple[Any, ...] = (
        Decision.model_id,
        Decision.id,
        Decision.environment,
        Decision.stage,
        Decision.status,
        Version.name,
        Decision.created_at,
    )
    query = (
        select(*fields)
        .join(Version, col(Decision.version_id) == Version.id)
        .where(col(Decision.id).in_(newest))
        .order_by(col(Decision.environment))
    )
    found: dict[int, list[DecisionBrief]] = {}
    for model_id, *row in session.execute(query):
        brief = DecisionBrief(**dict(zip(DecisionBrief.model_fields, row, strict=True)))
        found.setdefault(model_id, []).append(brief)
    return found


def crons(session: Session, model: Model, environment: str | None) -> list[str]:
    """On which cron expressions the model is audited in ``environment`` (None: anywhere).

    A paused schedule counts, or pausing it would keep old evidence fresh. Where the environment has no schedule
    of its own, that of the newest version counts.
    """
    found = dict(session.exec(_CRONS, params={"model_id": model.id}).all())
    if environment is None:
        return list(found.values())
    return [found[where] for where in (environment, "") if where in found][:1]
