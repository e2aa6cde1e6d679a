"""What a version's manifest and the organisation's policy declare of the version under audit."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.organisation import policy_digest, policy_of
from app.catalog.declaration import declaration_of
from app.catalog.manifest import Manifest
from checks.evidence import Declaration


def declared_of(attempt: Attempt) -> Declaration:
    subject = attempt.subject
    return declaration_of(Manifest.model_validate(subject.manifest), subject.model_class, policy_of(attempt))


def masks(attempt: Attempt) -> bool:
    """Whether columns are declared personal or sensitive: then what libraries say of the data is not kept."""
    return bool(declared_of(attempt).masked)


def _declaration(_source: Source, attempt: Attempt) -> Provided:
    return Provided(declared_of(attempt), policy_digest(attempt))


PROVIDERS: Providers = {Declaration: _declaration}
