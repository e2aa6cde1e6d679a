"""What surrounds a healthy model: notified changes, practised rollbacks, steady trainings, a measured staleness."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from app.audits.attempt import DependencyFacts, DependencyTold, DrillFact
from benchmarks.faults.worlds import END, Canary, World
from checks.serving import LATENCY

RUNS = 6


def surrounded(world: World) -> World:
    """The world with healthy surroundings."""
    return (
        world.with_facts(dependencies=dependencies(told_after=[2.0], planted_after=1.0))
        .but(drills=[drill()], training_runs=(training_runs(600, 2000), training_runs(600, 2000)))
        .handing_in("staleness-predictions", staleness(world, losses={0: 0, 120: 0, 240: 0, 370: 0}))
        .handing_in("metric-pairs", metric_pairs(agreement=1.0))
        .handing_in("deleted-ids", b"")
        .handing_in("access-list", access_list())
        .handing_in("training-outcome", *outcomes(world, world.trained(world.train)))
        .but(canary=canary(world))
    )


def canary(world: World, slower: float = 1.0, unanswered: float = 0.0) -> Canary:
    """Every fifth request went to the canary; there a share ``unanswered`` of as many more got no answer."""
    fifth = world.log.index % 5 == 0
    log, stable = world.log[fifth].reset_index(drop=True), world.log[~fifth].reset_index(drop=True)
    log = log.assign(**{LATENCY: log[LATENCY] * slower})
    return Canary(log, round(unanswered * len(log)), stable, 0)


def metric_pairs(agreement: float, pairs: int = 12, seed: int = 0) -> bytes:
    """Experiments whose online figure follows the offline one (1), nothing (0) or the opposite (-1)."""
    rng = np.random.default_rng(seed)
    offline = np.linspace(0.6, 0.85, pairs)
    drawn = rng.permutation(offline)
    followed = offline if agreement > 0 else offline[::-1]
    online = abs(agreement) * followed + (1 - abs(agreement)) * drawn + rng.normal(0, 0.005, pairs)
    lines = (f"v{n},{a:.4f},{b:.4f},4000" for n, (a, b) in enumerate(zip(offline, online, strict=True)))
    return "\n".join(["name,offline,online,rows", *lines]).encode()


def outcomes(*trainings: World) -> list[bytes]:
    """What trainings that call themselves the same came to, on the first hundred and more rows of the test data."""
    return [
        json.dumps(
            {
                "run": f"run {number}",
                "commit": "3f2a91c5d0b1",
                "data": "d" * 64,
                "config": {"seed": 28},
                "predictions": dict(
                    zip(world.test[world.id].astype(str)[:110], _answers(world)[:110], strict=True)
                ),
            }
        ).encode()
        for number, world in enumerate(trainings)
    ]


def _answers(world: World) -> list[float]:
    rows = world.test[world.features]
    binary = hasattr(world.model, "predict_proba")
    found: list[float] = (world.model.predict_proba(rows)[:, 1] if binary else world.model.predict(rows)).tolist()
    return found


def access_list(features: Sequence[str] = ("group:risk",)) -> bytes:
    return json.dumps({"raw": ["group:risk", "group:data"], "features": list(features)}).encode()


def dependencies(told_after: Sequence[float | None], planted_after: float | None = 1.0) -> DependencyFacts:
    """Changes of the last week, each told so many minutes after it was seen (None: never), and a planted one."""
    moment = END.to_pydatetime() - timedelta(days=2)
    changes = [_change(f"table {n}", moment - timedelta(hours=n), minutes) for n, minutes in enumerate(told_after)]
    if planted_after is not None:
        changes.append(_change("assay drill", moment, planted_after, planted=True))
    watched = {"requirements.txt": "lock_file", "table 0": "data", "credit register": "source_system"}
    return DependencyFacts(watched=watched, changes=changes)


def _change(name: str, seen: datetime, minutes: float | None, *, planted: bool = False) -> DependencyTold:
    told = None if minutes is None else seen + timedelta(minutes=minutes)
    receipt = None if told is None else "250 accepted"
    return DependencyTold(name=name, kind="data", seen_at=seen, planted=planted, told_at=told, receipt=receipt)


def drill(
    there: float | None = 4.0, back: float | None = 5.0, requests: int = 80, failed: int = 0, age_days: float = 3.0
) -> DrillFact:
    """A rollback for practice: seconds there and back, requests meanwhile."""
    return DrillFact(
        started_at=END.to_pydatetime() - timedelta(days=age_days),
        environment="staging",
        there="0.9.0",
        back="1.0.0",
        there_seconds=there,
        back_seconds=back,
        requests=requests,
        failed_requests=failed,
        error=None if there and back else "the version does not answer",
        automatic=True,
    )


def training_runs(seconds: float, memory_mb: float, seed: int = 0) -> list[bytes]:
    """So many trainings that took this long and needed this much, give or take 5 %."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(1, 0.05, (RUNS, 2))
    return [json.dumps({"seconds": seconds * a, "memory_mb": memory_mb * b}).encode() for a, b in noise]


def staleness(world: World, losses: dict[int, float], seed: int = 0) -> bytes:
    """What trainings so many days older predict for the test data: the model's own answers, in which a share of
    ``losses`` is drawn from other rows.
    """
    rng = np.random.default_rng(seed)
    rows, binary, answers = world.test, hasattr(world.model, "predict_proba"), np.array(_answers(world))
    newest = world.train[world.manifest["columns"]["time"]].max()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("id", "cutoff", "prediction", "score"))
    for days, share in losses.items():
        lost = rng.random(len(rows)) < share
        given = np.where(lost, rng.permutation(answers), answers)
        cutoff = (newest - timedelta(days=days)).date()
        for one, answer in zip(rows[world.id], given, strict=True):
            writer.writerow((one, cutoff, int(answer > 0.5) if binary else answer, answer if binary else ""))
    return text.getvalue().encode()
