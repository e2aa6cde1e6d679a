"""The sentences that explain a test's score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.scorecards.facts import CONCLUSIVE, AttestationFact, Evidence, FindingFact, Source
from checks.contract import Verdict


def why_scored(counted: Evidence, worth: float, runs: int, window: float) -> str:
    """Why ``counted`` earns ``worth``, where the model has ``runs`` automatic runs and ``window`` is in days."""
    if counted.source == Source.ATTESTATION and counted.expires_at:
        return f"Attested by {counted.person}, valid until {counted.expires_at:%Y-%m-%d}; counts half."
    if counted.source == Source.PERSON:
        return "Computed in a run that a person started; counts half."
    if worth == 1:
        return f"Runs automatically and repeatedly; the counted run is inside its window of {_days(window)}."
    if counted.age_days > window:
        return (
            f"The newest conclusive automatic run is {_days(counted.age_days)} old, past its window of "
            f"{_days(window)}; it counts half until it is {_days(2 * window)} old."
        )
    if counted.cap:
        return f"Counts half: {counted.cap.rstrip('.')}."
    return f"Ran automatically {'once' if runs <= 1 else 'before'}; the second automatic run makes it 1."


def why_none(runs: Sequence[FindingFact], attestations: Sequence[AttestationFact], as_of: datetime) -> str:
    """Why nothing is earned; ``runs`` and ``attestations`` are newest first, and none of them counts."""
    if attestations and attestations[0].waives and attestations[0].expires_at > as_of:
        one = attestations[0]
        return (
            f"Declared not applicable by {one.person}, agreed to by {one.agreed_by}, until "
            f"{one.expires_at:%Y-%m-%d}; earns nothing."
        )
    conclusive = next((run for run in runs if run.verdict in CONCLUSIVE), None)
    if conclusive:
        age = (as_of - conclusive.at).total_seconds() / 86400
        return f"The newest conclusive run is {_days(age)} old: too old to count."
    if runs and runs[0].verdict == Verdict.NOT_APPLICABLE:
        return "Declared not applicable, which earns nothing."
    if runs:
        return "No run has come to a conclusion yet."
    if attestations and attestations[0].expires_at <= as_of:
        return f"The attestation expired on {attestations[0].expires_at:%Y-%m-%d}."
    if attestations:
        return f"Attested as {attestations[0].result.replace('_', ' ')}, which earns nothing."
    return "Never run and not attested."


def _days(days: float) -> str:
    """In words: "1 day", "2.5 days", "40 days"."""
    rounded = round(days, 1) if days < 10 else round(days)
    return f"{rounded:g} day{'' if rounded == 1 else 's'}"
