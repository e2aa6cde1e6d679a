"""MON-1: whether somebody was told, and soon enough, whenever something changed that the model depends on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.operation import DependencyChange, DependencyHistory
from checks.serving import Moment

NEEDED = {"lock_file": "the lock file of its environment", "data": "the data it is trained on or reads"}
MOST_TOLD = 5


class DependencyChanges(Check):
    """Dependency changes result in notification.

    Asked: the team is told when a system that the model reads from changes, and knows what the change does.

    Measured: fingerprints of the lock file, of data and of source systems, as CI hands them in for an
    environment. For each change of the last 90 days: the minutes from when it was seen to the first receipt of a
    receiver that took the message. Once a week the service plants a change of its own, which takes the same way.

    Formula: counts. The test fails when a change was not told, or told later than ``max_minutes`` after it was
    seen; a planted one counts like any other. A change younger than that without a receipt is still on its way
    and is passed over. It is inconclusive where no lock file or no data is watched, since what is not watched
    changes in silence, and where no planted change with a receipt is younger than ``drill_days``: that nothing
    was heard may then mean that nothing can be.

    Source: Breck et al. 2017, section V, test Monitor 1. Fingerprints, the planted change and 15 minutes are
    Assay's interpretation.

    Evidence: ``assay dependencies push --lock-file ... --data ...`` in CI, whenever it deploys and every night; a
    subscription to ``dependency.changed`` (``assay alerts subscribe``); a running worker, which plants the drill.

    Fix: subscribe somebody to ``dependency.changed``, and look at the dead letters under alerts: they name what
    the receiver answered.
    """

    id = "MON-1"
    thresholds: ClassVar[Thresholds] = {"max_minutes": 15, "drill_days": 7}

    def measure(self, moment: Moment, history: DependencyHistory) -> Measurement:
        changes = [_measured(change, moment.at) for change in history.changes]
        values = {"watched": dict(Counter(history.watched.values())), "changes": changes}
        header = ("name", "kind", "planted", "seen_at", "minutes_to_receipt", "receipt")
        rows = [
            (one.name, one.kind, one.planted, one.seen_at.isoformat(), values["minutes"], one.receipt)
            for one, values in zip(history.changes, changes, strict=True)
        ]
        watched = Exhibit.table("watched.csv", ("name", "kind"), sorted(history.watched.items()))
        return Measurement(values, (Exhibit.table("changes.csv", header, rows), watched))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        most, days = thresholds["max_minutes"], thresholds["drill_days"]
        due = [one for one in measured["changes"] if one["minutes"] is not None or one["age_minutes"] > most]
        late = [one for one in due if one["minutes"] is None or one["minutes"] > most]
        if late:
            told = ", ".join(map(_told, late[:MOST_TOLD]))
            more = f" and {len(late) - MOST_TOLD} more" if len(late) > MOST_TOLD else ""
            reason = f"{len(late)} of {len(due)} changes were not told within {most} minutes: {told}{more}."
            remedy = "Subscribe somebody to dependency.changed (assay alerts subscribe); look at the dead letters."
            return Judgement(Verdict.FAIL, reason, remedy)
        unwatched = [what for kind, what in NEEDED.items() if not measured["watched"].get(kind)]
        if unwatched:
            reason = f"Nobody would notice a change of {' or of '.join(unwatched)}: it is not watched."
            remedy = "Hand in fingerprints: assay dependencies push --lock-file ... --data ... from CI."
            return Judgement(Verdict.INCONCLUSIVE, reason, remedy)
        drills = [one["age_minutes"] for one in due if one["planted"] and one["age_minutes"] <= days * 24 * 60]
        if not drills:
            reason = f"No planted change of the last {days} days has a receipt, so nothing proves that one arrives."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Keep a worker running: it plants a change every week.")
        return Judgement(Verdict.PASS, _passed(measured, due, min(drills)))


def _measured(change: DependencyChange, at: datetime) -> dict[str, Any]:
    return {
        "name": change.name,
        "kind": change.kind,
        "planted": change.planted,
        "age_minutes": _minutes(change.seen_at, at),
        "minutes": None if change.told_at is None else _minutes(change.seen_at, change.told_at),
    }


def _minutes(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds() / 60, 2)


def _told(change: Mapping[str, Any]) -> str:
    minutes = change["minutes"]
    return f"{change['name']} ({'nobody yet' if minutes is None else f'after {minutes:g} minutes'})"


def _passed(measured: Measured, due: list[Mapping[str, Any]], youngest: float) -> str:
    watched = ", ".join(f"{count} {kind}" for kind, count in sorted(measured["watched"].items()))
    slowest = max(one["minutes"] for one in due)
    return (
        f"All {len(due)} changes were told, the slowest after {slowest:g} minutes; the last one was planted "
        f"{youngest / 24 / 60:.1f} days ago. Watched: {watched}."
    )
