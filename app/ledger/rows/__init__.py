"""The 45 rows of the MLOps ledger, each judged by evidence. docs/ledger.md lists them."""

from __future__ import annotations

from dataclasses import dataclass

from app.ledger.history import History
from app.ledger.reading.words import Proof, Status
from app.ledger.rows import continuous, delivery, experiments, monitoring, pipeline, process, testing
from app.ledger.rows.contract import Readings, Row

ALL: tuple[Row, ...] = (
    *process.ROWS,
    *pipeline.ROWS,
    process.PRODUCT,
    *continuous.ROWS,
    *experiments.ROWS,
    *testing.ROWS,
    *monitoring.ROWS,
    *delivery.ROWS,
)


@dataclass(frozen=True)
class JudgedRow:
    number: int
    group: str
    title: str
    status: Status
    proofs: tuple[Proof, ...]
    missing: str
    remedy: str


def walk(history: History) -> list[JudgedRow]:
    """Every row of one model's history, in their order."""
    read = Readings(history)
    return [_judged(row, read) for row in ALL]


def _judged(row: Row, read: Readings) -> JudgedRow:
    found = row.judge(read)
    return JudgedRow(row.number, row.group, row.title, found.status, found.proofs, found.missing, found.remedy)
