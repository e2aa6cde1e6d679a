"""What people can be told of, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
"""From the least severe to the worst."""

TEST = "subscription.test"
"""A message that somebody asked for, to see whether it arrives. Only the subscription in question gets it."""

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "verdict.changed": "Tests of a model turned for the worse, recovered, or cannot tell any more.",
        "audit.failed": "An audit was given up after its last attempt.",
        "schedule.missed": "An audit that was due by schedule did not run.",
        "dependency.changed": "A lock file, data set or source system that a model depends on has changed.",
        "deployment.changed": "A version entered an environment, left it, or changed its traffic role.",
        "deployment.break_glass": "A version was deployed past the gate; a review is due.",
        "deployment.review_overdue": "Nobody has reviewed a deployment past the gate in time.",
        "endpoint.down": "An address under which a model is reached failed several probes in a row.",
        "endpoint.recovered": "An address that was down answers again.",
        "training.finished": "A retrained version came, was audited, and may go where it was asked for.",
        "training.failed": "A pipeline could not be asked to retrain, its run failed, or the gate says no.",
        "issue.overdue": "An issue was not solved by its due date; it weighs more now.",
        "validation.overdue": "A model was not validated in time.",
        "training.overdue": "A pipeline was asked to retrain, and no version came in time.",
        "token.ends_soon": "An API token ends within 14 days, and none was put in its place.",
        "audit_log.checkpoint": "The audit log's signed head. Only sent to subscriptions that name this event.",
    }
)
"""What a subscription may name, with what it means."""


def severe_enough(severity: str, least: str) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


def is_production(environment: str | None) -> bool:
    """Whether an environment's name says that it is production: ``production``, ``prod-eu``, ``eu.production``."""
    parts = (environment or "").replace(".", "-").replace("_", "-").split("-")
    return "production" in parts or "prod" in parts
