"""What changed around the model, and who was told when."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.contract import Missing
from checks.operation import DependencyChange, DependencyHistory


def _history(_source: Source, attempt: Attempt) -> Provided:
    facts = attempt.dependencies
    if facts is None:
        raise Missing("an environment whose dependencies are watched", "audit with --environment")
    changes = tuple(DependencyChange(**one.model_dump()) for one in facts.changes)
    return Provided(DependencyHistory(facts.watched, changes))


PROVIDERS: Providers = {DependencyHistory: _history}
