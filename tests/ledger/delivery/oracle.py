"""Ten thousand events about a few models, drawn at random, and the metrics computed anew in the plainest way."""

from __future__ import annotations

import random

import numpy as np

from tests.ledger.story import Story, at

MODELS = ("m", "n", "o")
DAYS = 360
GRID = 4
"""Moments a day: so few that many things happen at the same one."""


def moment(chance: random.Random) -> float:
    return chance.randrange(DAYS * GRID) / GRID


def drawn(seed: int, events: int) -> Story:
    """A story of three models with ``events`` things that tools tell, in no order."""
    chance = random.Random(seed)
    story = Story()
    story.pipeline("p", models=list(MODELS))
    for name in MODELS[1:]:
        story.model(name, owner=chance.choice(["risk", "fraud"]))
    commits = [f"{chance.getrandbits(160):040x}" for _ in range(events // 4)]
    for name in MODELS:
        _own_facts(story, chance, name, commits)
    tellers = (_commit, _run, _incident, _ab_test)
    for number in range(events):
        tellers[number % 4](story, chance, commits[number // 4 % len(commits)])
    return story


def _own_facts(story: Story, chance: random.Random, model: str, commits: list[str]) -> None:
    for number, since in enumerate(sorted({moment(chance) for _ in range(40)})):
        name = str(number)
        story.version(name, model=model, commit=chance.choice([None, *commits]), pipeline="p")
        story.decide(name, max(0.0, since - chance.random()), model=model, status=chance.choice(["pass", "fail"]))
        outcome = chance.choice(["replaced", "rolled_back", "stopped"])
        role = chance.choice(["stable", "canary", "shadow"])
        story.deploy(name, since, min(since + 5 * chance.random(), DAYS), outcome, model=model, role=role)
        story.turn(chance.choice(["fail", "pass", "blind"]), moment(chance), version=name, model=model)


def _commit(story: Story, chance: random.Random, commit: str) -> None:
    story.commit(commit, moment(chance), branch=chance.choice(["main", "topic"]))


def _run(story: Story, chance: random.Random, _: str) -> None:
    start = moment(chance)
    told = {"model": chance.choice(MODELS), "version": str(chance.randrange(40))} if chance.random() < 0.3 else {}
    if chance.random() < 0.3:
        told |= {"pipeline": "p", "experiment": "e", "branch": chance.choice("ab")}
    state = chance.choice(["running", "succeeded", "failed"])
    story.run(f"r{chance.randrange(2000)}", chance.choice([None, start]), start + chance.random(), state, **told)


def _incident(story: Story, chance: random.Random, _: str) -> None:
    state, metric = chance.choice(["opened", "resolved"]), chance.choice(["recall", "auc", "other"])
    version = chance.choice([None, str(chance.randrange(40))])
    told = {} if version is None else {"version": version}
    name = f"I-{chance.randrange(60)}"
    story.incident(name, state, moment(chance), model=chance.choice(MODELS), metric=metric, **told)


def _ab_test(story: Story, chance: random.Random, _: str) -> None:
    outcome = chance.choice(["better", "worse", "no_difference"])
    story.ab_test(str(chance.randrange(40)), moment(chance), outcome, model=chance.choice(MODELS))


# --- computed anew --------------------------------------------------------------------------------


def naive(story: Story, model: str, since: float, until: float) -> dict:
    """Frequency, commit lead time, episodes and failures of a model in days; by loops, without any of our code.

    Every deployment of a drawn story is of a version of its own, so each is new and ends once.
    """
    deployed = [one for one in story.deployments if one.model == model and one.role != "shadow"]
    inside = [one for one in deployed if at(since) <= one.started_at <= at(until)]
    failed = _failed(story, model, deployed)
    leads = _leads(story, model, inside)
    spans = _episodes(story, model, until)
    over = [(end - start) for start, end in spans if end is not None and at(since) <= end <= at(until)]
    seconds = [one.total_seconds() for one in over]
    return {
        "deployments": len(inside),
        "failed": sum(one.id in failed for one in inside),
        **_spread("lead", leads),
        **_spread("restore", seconds),
        "mean": float(np.mean(seconds)) if len(seconds) >= 3 else None,
        "open": sum(end is None for _, end in spans),
    }


def _spread(name: str, values: list[float]) -> dict:
    return {
        f"{name} n": len(values),
        f"{name} median": float(np.median(values)) if len(values) >= 3 else None,
        f"{name} p90": float(np.percentile(values, 90)) if len(values) >= 10 else None,
    }


def _leads(story: Story, model: str, deployed: list) -> list[float]:
    told: dict = {}
    for one in story.events:
        if one.kind == "commit" and (one.commit not in told or one.at < told[one.commit]):
            told[one.commit] = one.at
    commits = {(one.model, one.name): one.commit for one in story.versions}
    found = []
    for one in deployed:
        when = told.get(commits[model, one.version])
        if when is not None and when <= one.started_at:
            found.append((one.started_at - when).total_seconds())
    return found


def _signs(story: Story, model: str) -> list[tuple]:
    """(version, start, end or None) of everything that went wrong."""
    found = []
    turns = [one for one in story.turns if one.model == model]
    failing = None
    for turn in sorted(turns, key=lambda one: (one.at, one.alert_id)):
        if failing is None and turn.after == "fail":
            failing = turn
        elif failing is not None and turn.after == "pass":
            found.append((failing.version, failing.at, turn.at))
            failing = None
    if failing is not None:
        found.append((failing.version, failing.at, None))
    told = [one for one in story.events if one.kind == "incident" and one.model == model]
    for name in sorted({one.incident for one in told}):
        mine = sorted(
            (one for one in told if one.incident == name),
            key=lambda one: (one.at, one.state == "resolved", one.id, one.metric, one.version or ""),
        )
        opened = [one for one in mine if one.state == "opened"]
        if opened:
            versions = [one.version for one in mine if one.version is not None]
            end = mine[-1].at if mine[-1].state == "resolved" else None
            found.append((versions[-1] if versions else None, opened[0].at, end))
    return found


def _episodes(story: Story, model: str, until: float) -> list[tuple]:
    """Moments at which something was wrong, joined: walked from one to the next."""
    signs = [(start, end) for _, start, end in _signs(story, model) if start <= at(until)]
    joined: list[list] = []
    for start, end in sorted(signs, key=lambda one: one[0]):
        if joined and (joined[-1][1] is None or start <= joined[-1][1]):
            joined[-1][1] = None if joined[-1][1] is None or end is None else max(end, joined[-1][1])
        else:
            joined.append([start, end])
    return [tuple(one) for one in joined]


def _failed(story: Story, model: str, deployed: list) -> set[int]:
    failed = {one.id for one in deployed if one.outcome == "rolled_back"}
    blamed = [(version, start) for version, start, _ in _signs(story, model)]
    blamed += [
        (one.candidate, one.at)
        for one in story.events
        if one.kind == "ab_test" and one.model == model and one.outcome == "worse"
    ]
    for version, when in blamed:
        suspects = [
            one
            for one in deployed
            if one.started_at <= when and (one.version == version if version is not None else when < one.ended_at)
        ]
        if suspects:
            failed.add(max(suspects, key=lambda one: (one.started_at, one.id)).id)
    return failed
