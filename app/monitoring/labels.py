"""What turned out to be true: labels come late, in bulk, before their prediction, and are corrected.

Nothing is forgotten: a correction is a further revision. The revision that was observed last is current.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model, newest_version
from app.config import Settings
from app.db import Database, utcnow
from app.errors import FieldError, Invalid, NotFound
from app.monitoring import queries
from app.monitoring.files import Upload, read_labels
from app.monitoring.personal.pseudonyms import key_in
from app.monitoring.personal.tombstones import tombstones
from app.monitoring.schemas import LabelsOut
from app.tables import Label, Model, Version
from checks.methods.schema import as_category

LONGEST_ID = 200
LONGEST_LABEL = 200
AT_ONCE = 20_000
"""Labels a transaction, so that nobody waits long for the next one."""
TOLD = 10
"""Wrong labels that are named, of however many."""


@dataclass(frozen=True)
class Observed:
    """A label as it is handed in; ``at`` is when it was observed, None: now."""

    id: str
    value: Any
    at: datetime | None = None


def record(session: Session, identity: Identity, model_name: str, given: Sequence[Observed]) -> LabelsOut:
    """Keep labels of a model's predictions.

    A value that is current already, or known as observed at that very time, changes nothing.

    Raises:
        Invalid: a label is none of the task's, or an id is none; names its index.
        NotFound: there is no such model, or it has no version.
    """
    model, version = described(session, model_name)
    values = _checked(version, given)
    now = utcnow()
    barred = tombstones(session, model.id, key_in(session))
    history = _History(queries.revisions_of(session, model.id, {one.id for one in given}))
    counts = dict.fromkeys(("new", "corrected", "unchanged", "outdated", "forgotten"), 0)
    for one, value in zip(given, values, strict=True):
        if barred.bar(one.id):
            counts["forgotten"] += 1
            continue
        counts[history.add(model, one.id, value, one.at or now, identity)] += 1
    session.add_all(history.added)
    known = queries.known_predictions(session, model.id, history.first)
    out = LabelsOut(
        joined=len(known),
        parked=counts.pop("new") - len(known),
        **counts,
    )
    audit_log.record(session, identity.name, "labels.recorded", model.name, **out.model_dump())
    return out


def described(session: Session, model_name: str) -> tuple[Model, Version]:
    """The model and its newest version, whose manifest says what a label can be; raises NotFound."""
    model = find_model(session, model_name)
    version = newest_version(session, model.id)
    if version is None:
        raise NotFound(f"{model_name} has no version yet, so nobody knows what its labels are")
    return model, version


class _History:
    """All revisions of some predictions' labels, those to be added among them."""

    def __init__(self, known: Iterable[Label]) -> None:
        self.revisions: dict[str, list[Label]] = {}
        for label in known:
            self.revisions.setdefault(label.prediction_id, []).append(label)
        self.added: list[Label] = []
        self.first: set[str] = set()

    def add(self, model: Model, prediction_id: str, value: Any, at: datetime, identity: Identity) -> str:
        """What became of it: new, corrected, unchanged, or outdated by one that was observed later."""
        earlier = self.revisions.setdefault(prediction_id, [])
        current = next((label for label in earlier if label.current), None)
        if (current and current.value == value) or any(
            label.value == value and label.observed_at == at for label in earlier
        ):
            return "unchanged"
        newer = current is None or at >= current.observed_at
        label = Label(
            model_id=model.id,
            prediction_id=prediction_id,
            revision=len(earlier) + 1,
            value=value,
            observed_at=at,
            current=newer,
            actor=identity.name,
        )
        earlier.append(label)
        self.added.append(label)
        if current is None:
            self.first.add(prediction_id)
            return "new"
        current.current = not newer
        return "corrected" if newer else "outdated"


# --- what a label can be ------------------------------------------------------------------------


def _checked(version: Version, given: Sequence[Observed]) -> list[Any]:
    """The labels as the task's values. Errors name the index, never the id or the label: they are somebody's."""
    task, positive = version.manifest["model"]["task"], version.manifest["columns"].get("positive")
    values: list[Any] = []
    errors: list[FieldError] = []
    for i, one in enumerate(given):
        try:
            _require_id(one.id)
            values.append(_number(one.value) if task == "regression" else _class(one.value, positive))
        except ValueError as error:
            errors.append(FieldError(f"labels.{i}", str(error)))
    errors += _third_class(values, positive) if task == "binary" and not errors else []
    if errors:
        more = f"; and {len(errors) - TOLD} more" if len(errors) > TOLD else ""
        told = "; ".join(f"{error.path}: {error.message}" for error in errors[:TOLD])
        raise Invalid(f"{told}{more}", errors[:TOLD])
    return values


def _require_id(prediction_id: str) -> None:
    if not prediction_id or len(prediction_id) > LONGEST_ID or "\0" in prediction_id:
        raise ValueError(f"an id has 1 to {LONGEST_ID} characters")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("is no finite number, which the label of a regression is")
    return float(value)


def _class(value: Any, positive: Any) -> Any:
    """A class, written as the manifest writes the positive one: a CSV file's 1.0 or true is its 1."""
    if value is None or not isinstance(value, bool | int | float | str):
        raise ValueError("is no class")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is no class")
    if isinstance(value, str) and (not value or len(value) > LONGEST_LABEL or "\0" in value):
        raise ValueError(f"a class has 1 to {LONGEST_LABEL} characters")
    if positive is not None and as_category(value) == as_category(positive):
        return positive
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(positive, int) and not isinstance(positive, bool):
        return _as_integer(value)
    return value


def _as_integer(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if not value.strip().lstrip("-").isdigit():
            raise ValueError("is no class of this model, whose classes are whole numbers")
        return int(value)
    return value


def _third_class(values: Sequence[Any], positive: Any) -> list[FieldError]:
    """In a binary task there is one class beside the positive one."""
    others = list(dict.fromkeys(value for value in values if value != positive))
    if len(others) < 2:
        return []
    return [
        FieldError(f"labels.{values.index(third)}", f"is a third class, beside {positive!r} and another")
        for third in others[1:]
    ]


# --- as a file ----------------------------------------------------------------------------------


def record_file(db: Database, settings: Settings, identity: Identity, model_name: str, upload: Upload) -> LabelsOut:
    """Keep the labels in a file, some thousand a transaction; raises as ``record`` and ``read_labels``.

    Nothing is kept unless all of them can be. Interrupted, it may be pushed again.
    """
    with db.read() as session:
        _, version = described(session, model_name)
    found = read_labels(settings, version, upload)
    rows = zip(found["id"], found["label"], found["observed_at"], strict=True)
    given = [Observed(one, value, datetime.fromisoformat(at) if at else None) for one, value, at in rows]
    _checked(version, given)
    total: Counter[str] = Counter()
    for part in queries.chunks(given, AT_ONCE):
        with db.write() as session:
            total.update(record(session, identity, model_name, part).model_dump())
    return LabelsOut(**{name: total[name] for name in LabelsOut.model_fields})
