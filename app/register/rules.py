"""How bad an issue is, by when it is due, when a model is validated next. Pure; docs/issues.md has the tables."""

from __future__ import annotations

from datetime import date, timedelta

from app.config import Settings
from app.tables import Model
from checks.contract import Section
from checks.rubric import RubricTest

SEVERITIES = ("low", "medium", "high", "critical")
"""From the least severe to the worst."""
UNSETTLED = ("open", "in_progress")
"""Statuses in which somebody has to work."""
NOT_CLOSED = (*UNSETTLED, "resolved")

TIERS = ("low", "medium", "high")
OF_THE_MODEL = frozenset({Section.DATA, Section.MODEL})
"""Sections whose faults are in what is predicted, a step worse than faults in how it is run."""


def severity_of(risk_tier: str, test: RubricTest, *, reservations: bool = False) -> str:
    """A step up by risk tier, one for tests of data and model, one down where somebody only has reservations."""
    step = TIERS.index(risk_tier) + (test.section in OF_THE_MODEL) - reservations
    return SEVERITIES[max(step, 0)]


def severity_of_model(risk_tier: str) -> str:
    """Of issues with the model as a whole: an overdue validation, conditions of one."""
    return SEVERITIES[TIERS.index(risk_tier) + 1]


def worse(severity: str) -> str:
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, len(SEVERITIES) - 1)]


def worst(one: str, other: str) -> str:
    return max(one, other, key=SEVERITIES.index)


def due(severity: str, today: date, settings: Settings) -> date:
    """The last day that is in time."""
    return today + timedelta(days=settings.issue_days[severity])


def validation_due(model: Model, last: date | None, settings: Settings) -> date:
    """The last day on which the next validation is in time; a first one is due soon after registration."""
    if last is None:
        return model.created_at.date() + timedelta(days=settings.first_validation_days)
    return last + timedelta(days=settings.validation_days[model.risk_tier])
