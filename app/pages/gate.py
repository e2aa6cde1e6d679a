"""What pages show of the gate: a decision, and the people who waive and approve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.approvals import service as approvals
from app.approvals.schemas import ApprovalOut
from app.gate.service import find_decision
from app.paging import PageParams
from app.waivers import service as waivers
from app.waivers.schemas import WaiverOut

Condition = Mapping[str, Any]
TOLD_SINCE: Condition = {"enforced": True, "waived_by": None}
"""What the conditions of older decisions lack."""


@dataclass(frozen=True)
class DecisionView:
    """``/decisions/{id}``: ``body`` is what the API answers.

    Its conditions: ``denying`` do not hold, ``waived`` do not either and are excused, ``reported`` deny nothing
    yet, ``holding``. ``approvals`` are those that it counted, ``[]`` where none was asked for.
    """

    body: Mapping[str, Any]
    actor: str
    created_at: datetime
    denying: Sequence[Condition]
    waived: Sequence[Condition]
    reported: Sequence[Condition]
    holding: Sequence[Condition]
    approvals: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PeopleView:
    """Waivers that bear on a version and its own approvals, ended ones too; newest first."""

    waivers: Sequence[WaiverOut]
    approvals: Sequence[ApprovalOut]


def decision(session: Session, decision_id: int) -> DecisionView:
    """Raises NotFound."""
    row = find_decision(session, decision_id)
    groups: dict[str, list[Condition]] = {"denying": [], "waived": [], "reported": [], "holding": []}
    for condition in (TOLD_SINCE | one for one in row.body["conditions"]):
        groups[_group(condition)].append(condition)
    asked = any(one["name"].startswith("approvals.") for one in row.body["conditions"])
    counted = (row.inputs.get("approvals") or []) if asked else []
    return DecisionView(row.body, row.actor, row.created_at, **groups, approvals=counted)


def _group(condition: Condition) -> str:
    if not condition["enforced"]:
        return "reported"
    if condition["waived_by"]:
        return "waived"
    return "holding" if condition["status"] == "pass" else "denying"


def people(session: Session, model: str, version: str, params: PageParams) -> PeopleView:
    of_model = waivers.list_waivers(session, model, params).items
    return PeopleView(
        [one for one in of_model if one.version in {None, version}],
        approvals.list_approvals(session, model, version, params).items,
    )
