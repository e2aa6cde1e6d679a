"""Conditions on people who approve. Pure.

What lacks approvals is unknown and not failed: nothing speaks against the version, somebody has not answered yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from app.gate.terms import ApprovalFact, Condition, Demand, Known, Status

APPROVALS = "approvals"


def conditions(demand: Demand, known: Known) -> Iterator[tuple[str, str, Callable[[], Condition]]]:
    """(name, metric, how to judge it) of each."""
    for role, asked in demand.approvals.items():
        name = f"{APPROVALS}.{role}"
        yield name, name, partial(_role, name, role, asked, known)


def counting(given: Sequence[ApprovalFact], author: str | None) -> list[ApprovalFact]:
    """A person counts once, by the newest; who registered the version only beside somebody else."""
    newest = {fact.person: fact for fact in sorted(given, key=lambda fact: (fact.at, fact.approval))}
    return [] if newest.keys() == {author} else list(newest.values())


def _role(name: str, role: str, asked: int, known: Known) -> Condition:
    if known.approvals is None:
        return Condition(name, name, ">=", asked, None, Status.UNKNOWN, "Approvals were not looked up.")
    counted = counting(known.approvals, known.author)
    given = [fact for fact in counted if fact.role == role]
    missing = asked - len(given)
    told = f"{len(given)} of {asked} approvals by {role}{_by(given)}"
    if known.approvals and not counted:
        told += f"; {known.author}, who registered the version, does not count alone"
    if missing <= 0:
        return Condition(name, name, ">=", asked, len(given), Status.PASS, f"{told}.")
    told = f"{told}: waiting for {missing} more."
    remedy = f"Another person in the role {role} approves it: assay approval give."
    return Condition(name, name, ">=", asked, len(given), Status.UNKNOWN, told, remedy)


def _by(given: Sequence[ApprovalFact]) -> str:
    named = ", ".join(f"{fact.person} on {fact.at:%Y-%m-%d}" for fact in given)
    return f" ({named})" if named else ""
