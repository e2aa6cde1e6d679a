"""A person's logged predictions and labels, deleted: in the database at once, then in the files.

What the database says is the truth: a batch is marked in the transaction that deletes its rows, and a file that was
not written anew yet is written by whoever comes next (``app.monitoring.personal.segments``). So it can be finished
after any interruption.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.db import database_now
from app.errors import FieldError, Invalid
from app.monitoring.personal import queries
from app.monitoring.personal.pseudonyms import digest, key_in
from app.tables import Model


@dataclass(frozen=True)
class Whom:
    """A person, or a single prediction, by the id that the model's logs have; one of the two."""

    person: str | None = None
    prediction: str | None = None

    @property
    def kind(self) -> str:
        return "person" if self.person is not None else "prediction"

    @property
    def id(self) -> str:
        return str(self.person if self.person is not None else self.prediction)


@dataclass(frozen=True)
class Forgot:
    """How many rows are gone; nothing of whom."""

    digest: str
    predictions: int
    labels: int
    not_reached: list[str]


def forget(session: Session, identity: Identity, model_name: str, whom: Whom, reason: str) -> Forgot:
    """Delete and remember, by digests alone, that it must not come back. The same again does nothing.

    Raises:
        Invalid: no version of the model says which column names a person; or the reason names them.
        NotFound: there is no such model.
    """
    model = find_model(session, model_name)
    require_reason(whom, reason)
    ids = ids_of(session, model, whom)
    key, now = key_in(session), database_now(session)
    labels = queries.delete_labels(session, model.id, ids)
    predictions = queries.delete_predictions(session, model.id, ids)
    named = digest(key, whom.id)
    new = queries.forget(session, model.id, "prediction", {digest(key, one) for one in ids} - {named}, now)
    new += queries.forget(session, model.id, whom.kind, {named}, now)
    if new or predictions or labels:
        counts = {"predictions": predictions, "labels": labels}
        told = {"kind": whom.kind, "digest": named, **counts, "reason": reason}
        audit_log.record(session, identity.name, "predictions.forgotten", model.name, **told)
    return Forgot(named, predictions, labels, queries.with_rows_elsewhere(session, model.id))


def require_reason(whom: Whom, reason: str) -> None:
    """The reason goes into the audit log, which is for ever. Raises Invalid where the id is a word of it."""
    if re.search(rf"(?<!\w){re.escape(whom.id)}(?!\w)", reason):
        raise Invalid("reason: must not name the id", [FieldError("reason", "must not name the id")])


def ids_of(session: Session, model: Model, whom: Whom) -> set[str]:
    """The ids of the predictions in question. Raises Invalid as ``forget``."""
    if whom.person is None:
        return {whom.id}
    columns = [manifest["columns"] for manifest in queries.manifests(session, model.id)]
    if not any(one.get("person") for one in columns):
        message = f"no version of {model.name} declares columns.person: give the ids of predictions instead"
        raise Invalid(message, [FieldError("person", message)])
    found = queries.predictions_of(session, model.id, digest(key_in(session), whom.person))
    own = any(one.get("person") == one.get("id") for one in columns if one.get("person"))
    return found | {whom.person} if own else found
