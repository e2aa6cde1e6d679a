"""The four delivery metrics of models, of teams and of the fleet, over windows and as a trend."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean

from app.ledger.history import History
from app.ledger.reading.delivery import bands
from app.ledger.reading.delivery.bands import Band
from app.ledger.reading.delivery.episodes import PARTS, Episode, episodes, unnoticed
from app.ledger.reading.delivery.failures import KINDS, failures
from app.ledger.reading.delivery.lead_times import to_production, to_ready
from app.ledger.reading.delivery.numbers import Durations, Span, durations
from app.ledger.reading.delivery.periods import WINDOWS, Every, Period, trend_periods, window_periods
from app.ledger.reading.delivery.practice import Practice, practices
from app.ledger.reading.delivery.rollouts import Rollout, rollouts
from app.ledger.reading.delivery.signs import never_opened, signs

LEAST_DAYS_OBSERVED = 7
LEAST_DAYS_FOR_MONTHLY = 30
"""A week without a deployment does not tell whether there is one in most months."""
LEAST_FOR_RATE = 5


@dataclass(frozen=True)
class Delivered:
    """What one model's metrics are computed from. ``failed``: kinds of failure by the rollout's id. ``watched``:
    whether anything would have shown one, or has.
    """

    model: str
    team: str
    known_since: datetime
    rollouts: tuple[Rollout, ...]
    to_ready: tuple[Span, ...]
    to_production: tuple[Span, ...]
    episodes: tuple[Episode, ...]
    failed: Mapping[int, tuple[str, ...]]
    watched: bool
    undetected: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True)
class Frequency:
    """``per_week``: deployments of one model in a week, None (and why) before a model was known for 7 days.
    ``models``: how many of them ever served in production.
    """

    deployments: int
    models: int
    per_week: float | None
    band: Band | None
    reason: str


@dataclass(frozen=True)
class Restore:
    """``parts``: mean seconds of debugging, retraining, redeploying, rollback; they add up to ``total.mean``.
    ``open``: what lasts still, in no mean. ``undetected``: rollbacks without a sign, incidents never opened.
    """

    total: Durations
    parts: Mapping[str, float] | None
    open: int
    undetected: tuple[str, ...]


@dataclass(frozen=True)
class Failures:
    """``share`` of the period's deployments that failed until now; None (and why) below 5. ``by_kind``: how many
    failed by each kind of metric, by A/B test, by rollback; one may count under several. ``unwatched``: further
    deployments, of models whose failures nothing would have shown; they are in no share.
    """

    deployments: int
    failed: int
    share: float | None
    band: Band | None
    by_kind: Mapping[str, int]
    reason: str
    unwatched: int = 0


@dataclass(frozen=True)
class Metrics:
    """Of a period: what ended, reached users or was restored in it."""

    period: Period
    frequency: Frequency
    lead_to_ready: Durations
    lead_to_production: Durations
    restore: Restore
    failures: Failures


@dataclass(frozen=True)
class Group:
    """A model, a team or the fleet (""). ``trend``: the oldest period first. ``facts``: what is behind the numbers,
    where one model was asked for.
    """

    name: str
    models: int
    windows: tuple[Metrics, ...]
    trend: tuple[Metrics, ...] = ()
    facts: Delivered | None = None


@dataclass(frozen=True)
class DeliveryMetrics:
    as_of: datetime
    fleet: Group
    teams: tuple[Group, ...]
    models: tuple[Group, ...]


def delivery_metrics(
    history: History, days: Sequence[int] = WINDOWS, every: Every = "week", *, detailed: bool = False
) -> DeliveryMetrics:
    """All of a history's models.

    Args:
        days: lengths of the windows that end at ``history.as_of``.
        every: the trend's periods, 12 of them.
        detailed: give every model its trend and the facts behind its numbers.
    """
    members = [delivered(one, history.as_of) for one in practices(history)]
    windows, trend = window_periods(history.as_of, days), trend_periods(history.as_of, every)
    teams: dict[str, list[Delivered]] = defaultdict(list)
    for one in members:
        teams[one.team].append(one)
    return DeliveryMetrics(
        history.as_of,
        _group("", members, windows, trend),
        tuple(_group(name, teams[name], windows, trend) for name in sorted(teams)),
        tuple(_model(one, windows, trend, detailed=detailed) for one in members),
    )


def delivered(practice: Practice, as_of: datetime) -> Delivered:
    """The facts behind a model's metrics."""
    out, seen = rollouts(practice.deployments), signs(practice)
    found = episodes(practice, seen, as_of)
    first = min((one.started_at for one in out), default=practice.model.created_at)
    return Delivered(
        model=practice.model.name,
        team=practice.model.owner,
        known_since=min(first, practice.model.created_at),
        rollouts=out,
        to_ready=to_ready(practice),
        to_production=to_production(practice, out),
        episodes=found,
        failed=failures(practice, out, seen),
        watched=practice.watched or bool(seen or practice.ab_tests or any(one.rolled_back_at for one in out)),
        undetected=(*unnoticed(out, found), *never_opened(practice)),
    )


def _group(name: str, members: Sequence[Delivered], windows: Sequence[Period], trend: Sequence[Period]) -> Group:
    return Group(
        name,
        len(members),
        tuple(measure(members, period) for period in windows),
        tuple(measure(members, period) for period in trend),
    )


def _model(one: Delivered, windows: Sequence[Period], trend: Sequence[Period], *, detailed: bool) -> Group:
    group = _group(one.model, [one], windows, trend if detailed else ())
    return replace(group, facts=one) if detailed else group


def measure(members: Sequence[Delivered], period: Period) -> Metrics:
    """The metrics of some models together in a period."""
    out = [(one, rollout) for one in members for rollout in one.rollouts if period.has(rollout.started_at)]
    return Metrics(
        period,
        _frequency(members, len(out), period),
        _durations([span for one in members for span in one.to_ready], period, "versions that got ready"),
        _durations([span for one in members for span in one.to_production], period, "versions that went live"),
        _restore(members, period),
        _failures(
            [one.failed.get(rollout.id, ()) for one, rollout in out if one.watched],
            sum(not one.watched for one, _ in out),
        ),
    )


def _frequency(members: Sequence[Delivered], count: int, period: Period) -> Frequency:
    live = [one for one in members if one.rollouts]
    if not live:
        reason = "no version has served in a production environment yet (assay deploy MODEL@VERSION)"
        return Frequency(0, 0, None, None, reason)
    observed = [period.until - max(period.since, one.known_since) for one in live if one.known_since < period.until]
    days = max((one / timedelta(days=1) for one in observed), default=0.0)
    if days < LEAST_DAYS_OBSERVED:
        reason = f"observed for {days:.1f} days of this period; {LEAST_DAYS_OBSERVED} are needed for a rate"
        return Frequency(count, len(live), None, None, reason)
    per_day = count / (sum(observed, timedelta()) / timedelta(days=1))
    band = bands.of_frequency(per_day)
    if band in {Band.MEDIUM, Band.LOW} and days < LEAST_DAYS_FOR_MONTHLY:
        return Frequency(count, len(live), per_day * 7, None, "too short to tell monthly from less often")
    return Frequency(count, len(live), per_day * 7, band, "")


def _durations(spans: Sequence[Span], period: Period, what: str) -> Durations:
    return durations([one for one in spans if period.has(one.ended_at)], what, bands.of_lead_time)


def _restore(members: Sequence[Delivered], period: Period) -> Restore:
    everything = [episode for one in members for episode in one.episodes]
    over = [one for one in everything if one.restored_at is not None and period.has(one.restored_at)]
    spans = [Span("", one.restored_at, one.total) for one in over if one.restored_at is not None]
    total = durations(spans, "episodes that ended", bands.of_restore, by_mean=True)
    parts = {part: fmean(one.seconds[part] for one in over) for part in PARTS} if total.mean is not None else None
    lasting = sum(one.lasted(period.until) and one.restored_at != period.until for one in everything)
    undetected = tuple(what for one in members for at, what in one.undetected if period.has(at))
    return Restore(total, parts, lasting, undetected)


def _failures(kinds: Sequence[tuple[str, ...]], unwatched: int) -> Failures:
    """``kinds``: of each deployment of the period that was watched, empty where it did not fail."""
    n, failed = len(kinds), sum(bool(one) for one in kinds)
    counts = Counter(kind for one in kinds for kind in one)
    by_kind = {kind: counts[kind] for kind in KINDS if counts[kind]}
    if n < LEAST_FOR_RATE:
        more = f"; nothing watches production after {unwatched} others" if unwatched else ""
        reason = f"{n} deployments in this period; {LEAST_FOR_RATE} are needed for a share{more}"
        return Failures(n, failed, None, None, by_kind, reason, unwatched)
    return Failures(n, failed, failed / n, bands.of_failures(failed / n), by_kind, "", unwatched)
