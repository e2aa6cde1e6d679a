"""How long automatic evidence counts in full, in days by test id. Assay's interpretation, not the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app import cron
from app.errors import Invalid
from checks.rubric import TESTS

DEFAULT_CADENCE_DAYS = 30.0
"""The window of a test that follows the model's cadence while the model declares none."""

PIPELINE_TEST = "INFRA-3"
"""Follows the cadence of the pipeline; the other tests without a fixed window follow the audit schedule."""


def windows(
    retraining_days: float | None = None, schedule_days: float | None = None, pipeline_days: float | None = None
) -> Mapping[str, float]:
    """The windows of the 28 tests for a model that is retrained, audited and built that often (None: unknown).

    ``INFRA-3`` must be seen within the cadence of the pipeline, else of retraining, scheduled tests within twice
    the schedule.
    """
    cadence = pipeline_days or retraining_days or DEFAULT_CADENCE_DAYS
    scheduled = 2 * schedule_days if schedule_days else DEFAULT_CADENCE_DAYS
    return MappingProxyType(
        {
            test.id: float(test.window_days)
            if test.window_days is not None
            else float(cadence if test.id == PIPELINE_TEST else scheduled)
            for test in TESTS
        }
    )


def interval_days(expression: str) -> float | None:
    """Days from slot to slot of a cron expression; None for one that nobody can follow."""
    try:
        return cron.interval_days(expression)
    except Invalid:
        return None
