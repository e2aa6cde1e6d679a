"""Change failure rate: which deployments' predictions caused an incident, a rollback or a lost A/B test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.alerts.events import is_production
from app.ledger.events import METRIC_KINDS
from app.ledger.reading.delivery.practice import Practice
from app.ledger.reading.delivery.rollouts import Rollout
from app.ledger.reading.delivery.signs import Sign

AB_TEST, ROLLBACK = "ab_test", "rollback"
KINDS = (*METRIC_KINDS, AB_TEST, ROLLBACK)


def failures(
    practice: Practice, rollouts: Sequence[Rollout], signs: Sequence[Sign]
) -> Mapping[int, tuple[str, ...]]:
    """By the id of the rollout that failed: the kinds of metrics that showed it; of one model.

    A sign that names a version is laid to its newest rollout until then, any other to the newest of those that
    served when it was detected. A rollback is laid to the rollout that it ended.
    """
    caused = [(_cause(rollouts, one.environment, one.version, one.detected_at), one.metric) for one in signs]
    caused += [
        (_cause(rollouts, one.environment, one.candidate, one.at), AB_TEST)
        for one in practice.ab_tests
        if one.outcome == "worse" and is_production(one.environment)
    ]
    caused += [(one, ROLLBACK) for one in rollouts if one.rolled_back_at is not None]
    found: dict[int, set[str]] = defaultdict(set)
    for rollout, kind in caused:
        if rollout is not None:
            found[rollout.id].add(kind)
    return {rollout: tuple(sorted(kinds)) for rollout, kinds in found.items()}


def _cause(rollouts: Sequence[Rollout], environment: str, version: str | None, at: datetime) -> Rollout | None:
    here = [one for one in rollouts if one.environment == environment and one.started_at <= at]
    if version is None:
        suspects = [one for one in here if one.serves(at)]
    else:
        suspects = [one for one in here if one.version == version]
    return max(suspects, key=lambda one: (one.started_at, one.id), default=None)
