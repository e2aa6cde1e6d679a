"""Who was forgotten of a model, for a look whether the training data still has them."""

from __future__ import annotations

from sqlmodel import Session

from app.audits.attempt import ForgottenFacts
from app.monitoring.personal import queries
from app.tables import Audit, Pseudonyms


def forgotten_of(session: Session, audit: Audit) -> ForgottenFacts | None:
    """None while nobody was."""
    digests = sorted(row.digest for row in queries.forgotten(session, audit.model_id))
    if not digests:
        return None
    return ForgottenFacts(key=session.get_one(Pseudonyms, Pseudonyms.ONLY).key, digests=digests)
