"""Scorecards of stored evidence: reads the facts, leaves the judgement to ``scoring``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

import checks
from app.acceptances import queries as acceptances
from app.catalog.queries import model_named, newest_version, version_named
from app.db import utcnow
from app.paging import Page, PageParams, paginate
from app.scorecards import badge as badges
from app.scorecards import queries
from app.scorecards.ended import judged_anew
from app.scorecards.facts import Facts, Scorecard
from app.scorecards.schemas import BandOut, DecisionBrief, ExhibitOut, FleetRow, ScorecardOut, ShieldsBadge
from app.scorecards.scoring import score
from app.scorecards.windows import interval_days
from app.scorecards.windows import windows as windows_for
from app.tables import Model, Version


def evidence_facts(
    session: Session,
    model: Model,
    version: Version,
    *,
    environment: str | None = None,
    as_of: datetime | None = None,
    windows: Mapping[str, float] | None = None,
) -> Facts:
    """What the scorecard of ``version`` at ``as_of`` (default: now) is derived from.

    ``environment`` bounds system tests to one environment (None: all). ``windows`` (days by test id) replaces
    the default windows of the tests that it names.
    """
    moment = as_of or utcnow()
    agreed = acceptances.agreed(session, model.id, moment)
    found = queries.newest_findings(session, model, version, environment, moment)
    return Facts(
        model=model.name,
        version=version.name,
        environment=environment,
        as_of=moment,
        findings=judged_anew(session, found, agreed, moment),
        attestations=(
            *queries.attestations(session, model, version, environment, moment),
            *queries.declarations(agreed, version, environment, moment),
        ),
        runs=queries.automatic_runs(session, model, moment),
        windows={**_windows(session, model, version, environment), **(windows or {})},
        automated=frozenset(checks.discover()),
    )


def _windows(session: Session, model: Model, version: Version, environment: str | None) -> Mapping[str, float]:
    intervals = [interval_days(one) for one in queries.crons(session, model, environment)]
    pipeline = version.manifest.get("version", {}).get("pipeline") or {}
    schedule = min(filter(None, intervals), default=None)
    return windows_for(model.retraining_days, schedule, pipeline.get("cadence_days"))


def scorecard(
    session: Session,
    model: Model,
    version: Version,
    *,
    environment: str | None = None,
    as_of: datetime | None = None,
    windows: Mapping[str, float] | None = None,
) -> Scorecard:
    """The scorecard of ``version`` at ``as_of`` (default: now); arguments as for ``evidence_facts``."""
    return score(evidence_facts(session, model, version, environment=environment, as_of=as_of, windows=windows))


def with_exhibits(session: Session, card: Scorecard, version: Version) -> ScorecardOut:
    """The scorecard as it is shown, with links to what the checks made and the use of its test data."""
    out = ScorecardOut.model_validate(card)
    out.holdout = queries.holdout(session, version, card.as_of)
    shown = [item for test in out.tests for item in (test.newest, test.counted) if item and item.audit_id]
    made = queries.exhibits(session, {item.id for item in shown})
    for item in shown:
        item.exhibits = exhibits_out(item.id, made.get(item.id, ()))
    return out


def exhibits_out(finding_id: int, exhibits: Sequence[Mapping[str, str]]) -> list[ExhibitOut]:
    """A finding's exhibits and where they are served."""
    return [
        ExhibitOut(**exhibit, url=f"/findings/{finding_id}/exhibits/{number}")
        for number, exhibit in enumerate(exhibits)
    ]


def fleet(session: Session, params: PageParams, *, environment: str | None = None) -> Page[FleetRow]:
    """One page of models, the one registered last first, each with its newest version's score."""
    models, following = paginate(session, select(Model), col(Model.id), params)
    now = utcnow()
    decisions = queries.newest_decisions(session, [model.id for model in models])
    rows = [_fleet_row(session, model, environment, now, decisions.get(model.id, [])) for model in models]
    return Page(items=rows, next_cursor=following)


def _fleet_row(
    session: Session, model: Model, environment: str | None, as_of: datetime, decisions: list[DecisionBrief]
) -> FleetRow:
    row = FleetRow(
        model=model.name, owner=model.owner, task=model.task, risk_tier=model.risk_tier, decisions=decisions
    )
    version = newest_version(session, model.id)
    if version is None:
        return row
    card = scorecard(session, model, version, environment=environment, as_of=as_of)
    scored = {
        "version": version.name,
        "score": card.score,
        "band": BandOut.model_validate(card.band),
        "section_scores": {item.section.value: item.score for item in card.sections},
        "limiting": list(card.limiting),
        "open_failures": card.open_failures,
        "newest_at": card.newest_at,
        "age_days": (as_of - card.newest_at) / timedelta(days=1) if card.newest_at else None,
    }
    return row.model_copy(update=scored)


def badge(session: Session, model_name: str, version_name: str | None) -> ShieldsBadge:
    """The badge of a version (None: the newest); "unknown" for what is not registered."""
    model = model_named(session, model_name)
    if model is None:
        return badges.unknown()
    version = version_named(session, model, version_name) if version_name else newest_version(session, model.id)
    if version is None:
        return badges.unknown()
    return badges.badge(scorecard(session, model, version))
