"""What the organisation decides over the owner's head, and what two people agreed to accept."""

from __future__ import annotations

import hashlib

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.contract import Missing
from checks.evidence import Acceptances, OrganisationPolicy, Slice


def policy_of(attempt: Attempt) -> OrganisationPolicy | None:
    if attempt.organisation is None:
        return None
    fields = {name: tuple(values) for name, values in attempt.organisation.items()}
    return OrganisationPolicy(**{**fields, "slices": tuple(Slice(**one) for one in fields["slices"])})


def policy_digest(attempt: Attempt) -> dict[str, str]:
    """The policy's digest as an input, by its name."""
    return {"organisation policy": attempt.organisation_digest} if attempt.organisation_digest else {}


def _policy(_source: Source, attempt: Attempt) -> Provided:
    value = policy_of(attempt)
    if value is None:
        raise Missing(
            "an organisation policy", "an administrator writes one: assay policy put organisation -f FILE"
        )
    return Provided(value, policy_digest(attempt))


def _acceptances(_source: Source, attempt: Attempt) -> Provided:
    until: dict[str, dict[str, str]] = {}
    for one in sorted(attempt.acceptances, key=lambda one: one.expires_at):
        until.setdefault(one.test_id, {})[one.subject] = one.expires_at.date().isoformat()
    if not until:
        return Provided(Acceptances())
    told = "\n".join(one.model_dump_json() for one in attempt.acceptances)
    return Provided(Acceptances(until), {"acceptances": hashlib.sha256(told.encode()).hexdigest()})


PROVIDERS: Providers = {OrganisationPolicy: _policy, Acceptances: _acceptances}
