"""What a check is and what it answers; ``checks.evidence`` has what it may ask for. No I/O happens here.

A check is one class in one file::

    class FeatureSchema(Check):
        \"""Feature expectations are captured in a schema.

        ... what the paper asks, what is measured, formula and source ...
        \"""

        id = "DATA-1"
        thresholds = {"max_failing_cells": 0.001}

        def measure(self, declared: Declaration, train: TrainingData) -> Measurement: ...
        def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement: ...

The annotations of ``measure`` say which evidence the check needs; a parameter annotated ``X | None``
is optional. Evidence that is not there makes the finding ``inconclusive`` before ``measure`` is called.
``judge`` reads only what was measured, so that other thresholds re-judge a stored finding without
running anything again.
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    pass

SEED = 28
"""Seed of everything that is drawn at random in a check, so that two audits find the same."""

CONFIDENCE = 0.95

Measured = Mapping[str, Any]
"""JSON-ready values, as measured: counts, estimates, interval bounds; never a verdict."""
Thresholds = Mapping[str, Any]


class Verdict(StrEnum):
    """What a test found. ``none`` means that it never ran."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    NONE = "none"


class Section(StrEnum):
    DATA = "data"
    MODEL = "model"
    INFRA = "infra"
    MONITORING = "monitoring"


class Scope(StrEnum):
    """``VERSION`` evidence belongs to one version, ``SYSTEM`` evidence to the model in an environment."""

    VERSION = "V"
    SYSTEM = "S"


class Missing(Exception):
    """Evidence that a check needs is not there; the finding becomes ``inconclusive``.

    ``what`` names the missing thing (with numbers where rows are missing), ``how`` tells how to provide it.
    """

    def __init__(self, what: str, how: str) -> None:
        super().__init__(what)
        self.what = what
        self.how = how


# --- what a check answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Exhibit:
    """A piece of evidence made by a check: a table, a plot, a report. Stored by content."""

    name: str
    media_type: str
    content: bytes

    @classmethod
    def table(cls, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Exhibit:
        """A table as CSV, one sequence of plain values a row."""
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        return cls(name, "text/csv", text.getvalue().encode())


@dataclass(frozen=True)
class Measurement:
    values: Measured
    exhibits: Sequence[Exhibit] = ()


@dataclass(frozen=True)
class Judgement:
    """``reason`` is a full sentence with the numbers in it; ``remedy`` says what to do next ("" on a pass)."""

    verdict: Verdict
    reason: str
    remedy: str = ""


class Check(ABC):
    """One test of the rubric. The docstring's first line is the test's title in the paper."""

    id: ClassVar[str]
    thresholds: ClassVar[Thresholds] = {}

    def measure(self, *args: Any, **kwargs: Any) -> Measurement:
        """Measure; the overriding method names the evidence it needs as annotated parameters."""
        raise NotImplementedError

    @abstractmethod
    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        """Judge what was measured. Pure: the same arguments give the same answer for ever."""
