"""Decisions: collect what bears on the answer, derive it, keep both. Services never commit."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

import app.audits.service as audits
from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_version
from app.config import Settings
from app.db import utcnow
from app.errors import Conflict, NotFound
from app.gate import collected, policies, queries
from app.gate.derivation import Inputs, derive, in_progress, rederive, windows_of
from app.gate.in_force import InForce
from app.gate.policies import install_defaults
from app.gate.runs import Measurement, due_checks, newest_finding
from app.gate.schemas import EvaluationIn
from app.gate.terms import Layer, Status, all_of
from app.register.queries import open_counts, retired_at
from app.schedules.targets import serving_checks
from app.scorecards.facts import Facts
from app.scorecards.scoring import prune
from app.scorecards.service import evidence_facts
from app.signing import service as signing
from app.tables import Audit, Decision, Model, Version
from checks import discover
from checks.contract import Section
from checks.rubric import TESTS

__all__ = ["evaluate", "find_decision", "find_envelope", "install_defaults", "replay", "resolve_pending"]

log = logging.getLogger(__name__)

TOLD_SINCE = {"origin", "enforced", "waived_by", "status_without_waivers"}
"""Keys that the bodies of older decisions lack."""


def evaluate(session: Session, request: EvaluationIn, identity: Identity, settings: Settings) -> Decision:
    """Decide from stored evidence, or, where a check that the policy needs has to run first, have it run.

    Returns:
        The stored decision; ``in_progress`` when an audit runs first. A dry run's is not stored (``id`` None).

    Raises:
        NotFound: no such model or version.
        Invalid: no policy for that environment, or no such stage in it; with the nearest that there is.
    """
    model, version = find_version(session, request.model, request.version)
    in_force = policies.in_force(session, request.environment, model.name)
    policies.require_stage(in_force, request.stage)
    inputs = _collect(session, model, version, request.stage, in_force, utcnow())
    if request.dry_run:
        inputs = inputs.model_copy(update={"dry_run": True})
        return _row(model, version, inputs, identity.name, derive(inputs))
    row = _row(model, version, inputs, identity.name, in_progress(inputs))
    session.add(row)
    session.flush()
    url = f"{settings.public_url}/api/v1/gate/evaluations/{row.id}"
    inputs = inputs.model_copy(update={"id": row.id, "evaluation_url": url})
    row.body, row.inputs = derive(inputs), inputs.model_dump(mode="json")
    checks = _checks_to_run(inputs, row.body) if identity.may("audit") else []
    if checks:
        _await(session, row, inputs, _audit(session, model, version, identity, row.environment, checks))
        return row
    with session.no_autoflush:  # so that the row is written once
        row.envelope = signing.sign_decision(session, settings, row.body, row.inputs)
    row.status, row.decided_at = row.body["status"], inputs.facts.as_of
    _note(session, identity.name, row.body)
    return row


def _await(session: Session, row: Decision, inputs: Inputs, audit: Audit) -> None:
    """Let the decision wait for ``audit``; ``resolve_pending`` makes it."""
    inputs = inputs.model_copy(update={"audit_id": audit.id})
    row.audit_id, row.body, row.inputs = audit.id, in_progress(inputs), inputs.model_dump(mode="json")
    audit_log.record(session, row.actor, "decision.await", f"decision/{row.id}", audit=audit.id)


def resolve_pending(session: Session, now: datetime, settings: Settings) -> int:
    """Decide what waited for an audit that has ended. Each is decided once, whoever else tries.

    Returns:
        How many decisions were made.
    """
    made = 0
    for found in queries.pending(session):
        try:
            with session.begin_nested():
                made += _resolve(session, *found, now, settings)
        except Exception:  # one decision that cannot be made stays open; it must not hold up the others
            log.exception("decision could not be made", extra={"assay.decision.id": found[0].id})
    return made


def _resolve(
    session: Session,
    row: Decision,
    audit: Audit,
    model: Model,
    version: Version,
    now: datetime,
    settings: Settings,
) -> bool:
    """By the policy and the evidence of now. The audit's findings may bear a later time than ``now``."""
    as_of = max(now, utcnow(), audit.finished_at or now)
    in_force = policies.in_force(session, row.environment, model.name)
    inputs = _collect(session, model, version, row.stage, in_force, as_of).model_copy(
        update={
            "id": row.id,
            "evaluation_url": row.body["evaluation_url"],
            "audit_id": audit.id,
            "audit_problem": _problem_of(audit),
        }
    )
    body = derive(inputs)
    stored = inputs.model_dump(mode="json")
    envelope = signing.sign_decision(session, settings, body, stored)
    settled = queries.settle(session, row.id, body, stored, envelope, as_of)
    if settled:
        session.expire(row)
        _note(session, row.actor, body)
    return settled


def _problem_of(audit: Audit) -> str | None:
    if audit.status == "succeeded":
        return None
    why = f": {audit.error}" if audit.error else ""
    ended = "was cancelled" if audit.status == "cancelled" else "failed"
    return f"Audit {audit.id}, which this decision waited for, {ended}{why}."


def find_decision(session: Session, decision_id: int) -> Decision:
    row = session.get(Decision, decision_id)
    if row is None:
        raise NotFound(f"there is no decision {decision_id}")
    return row


def find_envelope(session: Session, decision_id: int) -> dict[str, Any]:
    """Raises NotFound, or Conflict while nothing is decided, and for what was decided before any was signed."""
    row = find_decision(session, decision_id)
    if row.envelope is None:
        raise Conflict(f"decision {row.id} is not signed: it is {row.status}")
    return row.envelope


def replay(row: Decision) -> tuple[dict[str, Any], list[str]]:
    """Derive a stored decision anew.

    Returns:
        The body as derived now, and the keys in which it differs from the stored one.

    Raises:
        Conflict: it is still in progress.
    """
    if row.status == Status.IN_PROGRESS.value:
        raise Conflict(f"decision {row.id} is in progress: there is nothing to replay yet")
    body = rederive(row.inputs)
    keys = row.body.keys() | (body.keys() - TOLD_SINCE)
    return body, sorted(key for key in keys if not _same(row.body.get(key), body.get(key)))


def _same(stored: Any, derived: Any) -> bool:
    """Equal, but for what decisions did not tell yet when this one was stored."""
    if isinstance(stored, dict) and isinstance(derived, dict):
        keys = stored.keys() | (derived.keys() - TOLD_SINCE)
        return all(_same(stored.get(key), derived.get(key)) for key in keys)
    if isinstance(stored, list) and isinstance(derived, list):
        return len(stored) == len(derived) and all(map(_same, stored, derived))
    return bool(stored == derived)


def _collect(
    session: Session, model: Model, version: Version, stage: str, in_force: InForce, as_of: datetime
) -> Inputs:
    """Everything that bears on the answer at ``as_of``."""
    environment = in_force.policy.name
    facts = prune(evidence_facts(session, model, version, environment=environment, as_of=as_of))
    inputs = Inputs(
        stage=stage,
        environment=environment,
        risk_tier=model.risk_tier,
        artifact_digest=version.artifact_digest,
        content_digest=version.content_digest,
        policy=in_force.policy,
        floor=in_force.floor,
        additions=in_force.additions,
        facts=facts,
        registration=collected.registration(model, version),
        retired_at=retired_at(session, model.id),
        waivers=collected.waivers(session, version, environment, stage, as_of),
        approvals=collected.approvals(session, version, environment, stage, as_of),
        author=version.created_by,
    )
    layers = in_force.readable_layers(stage, model.risk_tier)
    if layers is None:
        return inputs  # from which ``unknown`` is derived
    demand = all_of(layer.demand for layer in layers)
    looked_up = {
        "measurements": measurements(session, facts, layers),
        "practice": collected.practice(session, model, version, demand.practice, as_of),
        "delivery": collected.delivery(session, model, demand, as_of),
        "open_issues": open_counts(session, model.id, version),
    }
    return inputs.model_copy(update=looked_up)


def measurements(session: Session, facts: Facts, layers: Sequence[Layer]) -> dict[int, Measurement]:
    """What the policies judge anew, and what may be an estimate, by finding id."""
    demand = all_of(layer.demand for layer in layers)
    ids = _newest_findings(facts, demand.tests)
    measured = {ids[test_id] for layer in layers for test_id in layer.thresholds if test_id in ids}
    estimates = {ids[test_id] for test_id in demand.must_pass if test_id in ids}
    return queries.measurements(session, measured, estimates)


def _newest_findings(facts: Facts, test_ids: Iterable[str]) -> dict[str, int]:
    found = {test_id: newest_finding(facts, test_id) for test_id in test_ids}
    return {test_id: finding.finding_id for test_id, finding in found.items() if finding is not None}


def _checks_to_run(inputs: Inputs, body: Mapping[str, Any]) -> list[str]:
    """The checks that the answer still lacks: of the tests it asks for, and of sections that score too little."""
    layers = inputs.in_force.readable_layers(inputs.stage, inputs.risk_tier) or ()
    failed = [c for c in body["conditions"] if c["enforced"] and c["status"] == "fail"]
    unmet = {c["metric"] for c in failed if c["comparator"] == ">="}
    lacking = {s.value for s in Section if {"score", f"section_scores.{s.value}"} & unmet}
    due = {test_id for layer in layers for test_id in _due(inputs, layer, lacking)}
    return [test.id for test in TESTS if test.id in due]


def _due(inputs: Inputs, layer: Layer, lacking: Container[str]) -> list[str]:
    demand = layer.enforced(inputs.facts.as_of.date())
    tests = [test.id for test in TESTS if test.id in demand.tests or test.section.value in lacking]
    windows = windows_of(inputs.facts, layer)
    youngest = {test_id: min(days, windows[test_id]) for test_id, days in demand.ages.items()}
    facts = replace(inputs.facts, windows={**windows, **youngest})
    undecided = set(demand.must_pass).intersection(serving_checks())
    return due_checks(facts, tests, discover(), undecided)


def _audit(
    session: Session, model: Model, version: Version, identity: Identity, environment: str, checks: list[str]
) -> Audit:
    """The audit that will run ``checks``: one that is under way already, or a new one."""
    automatic = identity.automatic
    known = queries.audit_under_way(session, version, environment, checks=checks, automatic=automatic)
    return known or audits.enqueue(
        session,
        model=model,
        version=version,
        identity=identity,
        trigger="gate",
        environment=environment,
        checks=checks,
    )


def _row(model: Model, version: Version, inputs: Inputs, actor: str, body: dict[str, Any]) -> Decision:
    """A row that is not stored yet."""
    return Decision(
        model_id=model.id,
        version_id=version.id,
        environment=inputs.environment,
        stage=inputs.stage,
        status=body["status"],
        body=body,
        inputs={},
        actor=actor,
    )


def _note(session: Session, actor: str, body: Mapping[str, Any]) -> None:
    audit_log.record(
        session,
        actor,
        "decision.make",
        f"decision/{body['id']}",
        **{key: body[key] for key in ("status", "model", "version", "environment", "stage", "policy")},
    )
