"""Policies tried on past decisions: which would have come out otherwise, and why. Keeps nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from pydantic import ValidationError
from sqlmodel import Session

from app.catalog.queries import find_model
from app.errors import Invalid
from app.gate import queries, service
from app.gate.changes import candidates
from app.gate.changes.candidates import Candidates
from app.gate.changes.retrial import differences, not_kept, once_enforced
from app.gate.changes.schemas import Answer, ChangedOut, DifferenceOut, NotReplayedOut, TrialIn, TrialOut
from app.gate.derivation import Inputs, derive
from app.gate.in_force import InForce
from app.gate.schemas import PolicyRef
from app.gate.terms import Layer, all_of
from app.tables import Decision


class _CannotReplayError(Exception):
    """Why a decision tells nothing about other policies."""


@dataclass(frozen=True)
class _Tried:
    """``turned``: the answer is another one, now or once everything is enforced."""

    shown: ChangedOut
    turned: bool


def tried(session: Session, asked: TrialIn) -> TrialOut:
    """Replay the newest ``asked.limit`` decisions that the policies would bind.

    Facts are those that were stored with each decision, and what its findings measured, which never changes.

    Raises:
        Invalid: a policy that is not valid, or loosens the organisation's floor; with file and line.
        NotFound: no such model.
    """
    found = candidates.read(session, asked.policies)
    rows = _rows(session, asked, found)
    replayed: list[_Tried] = []
    refused: list[NotReplayedOut] = []
    for row in rows[: asked.limit]:
        try:
            replayed.append(_replayed(session, row, found))
        except _CannotReplayError as why:
            refused.append(NotReplayedOut(decision=row.id, why=str(why)))
    return TrialOut(
        policies=[PolicyRef(name=p.name, version=p.version, digest=p.digest) for p in found.texts.values()],
        decisions=len(replayed),
        more=len(rows) > asked.limit,
        before=_counts(one.shown.before for one in replayed),
        after=_counts(one.shown.after for one in replayed),
        once_enforced=_counts(one.shown.once_enforced for one in replayed),
        changes=[one.shown for one in replayed if one.turned],
        not_replayed=refused,
    )


def _rows(session: Session, asked: TrialIn, found: Candidates) -> list[Decision]:
    """Newest first; one more than the limit, where there is one more."""
    model_id = None if asked.model is None else find_model(session, asked.model).id
    query = queries.decided(model_id, asked.environment, asked.since)
    if found.organisation is None:
        query = queries.bound_by(query, found.environments, found.models)
    return list(session.exec(query.limit(asked.limit + 1)))


def _counts(answers: Iterable[Answer]) -> dict[Answer, int]:
    found = Counter(answers)
    return {answer: found[answer] for answer in get_args(Answer)}


def _replayed(session: Session, row: Decision, found: Candidates) -> _Tried:
    inputs = _inputs(row)
    binding = found.instead(inputs.in_force, inputs.facts.model)
    layers = _layers(binding, inputs)
    measured = service.measurements(session, inputs.facts, layers)
    changes = {"policy": binding.policy, "floor": binding.floor, "additions": binding.additions}
    body = derive(inputs.model_copy(update={**changes, "measurements": {**inputs.measurements, **measured}}))
    unkept = not_kept(inputs, all_of(layer.demand for layer in layers))
    enforced = once_enforced(body).value
    keys = ("id", "model", "version", "environment", "stage", "decided_at")
    shown = ChangedOut(
        **{key: body[key] for key in keys},
        before=row.body["status"],
        after=body["status"],
        once_enforced=enforced,
        conditions=[DifferenceOut(**vars(one)) for one in differences(row.body, body, unkept)],
        not_kept=sorted(unkept),
    )
    return _Tried(shown, (shown.before, once_enforced(row.body).value) != (shown.after, enforced))


def _inputs(row: Decision) -> Inputs:
    """What the decision was derived from, if it still leads to what was decided."""
    try:
        _, differing = service.replay(row)
        if differing:
            raise _CannotReplayError(f"It does not follow from its own inputs any more: {', '.join(differing)}.")
        return Inputs.model_validate(row.inputs)
    except ValidationError as error:
        raise _CannotReplayError(f"Its inputs cannot be read any more ({error.error_count()} mistakes).") from None


def _layers(binding: InForce, inputs: Inputs) -> tuple[Layer, ...]:
    try:
        return binding.layers(inputs.stage, inputs.risk_tier)
    except (Invalid, ValueError) as error:
        raise _CannotReplayError(f"Under these policies it could not be asked: {error}.") from None
