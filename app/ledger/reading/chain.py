"""commit -> CI run -> package -> pipeline version -> pipeline run -> model version -> deployment, of one version.

A link is met when what was told of its two sides agrees, missing when it contradicts itself, unknown when one side
was never told of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.ledger.history import DeploymentFact, History, VersionFact
from app.ledger.reading import links, within
from app.ledger.reading.links import Ends
from app.ledger.reading.words import Judged, Status, worst


@dataclass(frozen=True)
class Link:
    """``value``: the commit, run, digest or version that stands here, "" where none is known."""

    name: str
    title: str
    value: str
    judged: Judged


@dataclass(frozen=True)
class Chain:
    """Of a version, or of its deployment to an ``environment``; ``links`` from the commit on.

    ``broken``: the first link that is contradicted, else the first of which too little is known; None: all hold.
    """

    model: str
    version: str
    environment: str | None
    links: tuple[Link, ...]
    broken: Link | None
    judged: Judged


def of_version(history: History, model: str, version: str, environment: str | None = None) -> Chain | None:
    """The chain of a version, up to its newest deployment (in ``environment``) where there is one.

    Returns:
        None where there is no such version.
    """
    fact = next((one for one in history.versions if (one.model, one.name) == (model, version)), None)
    if fact is None:
        return None
    placed = [
        one for one in history.deployments if one.version_id == fact.id and environment in {None, one.environment}
    ]
    return _chain(history, fact, min(placed, key=within.prominence, default=None))


def newest(history: History) -> Chain | None:
    """The chain of what serves, production first, else of the newest version; None where there is none.

    Args:
        history: narrowed to a pipeline or a model.
    """
    if live := within.serving(history):
        return _chain(history, next(one for one in history.versions if one.id == live[0].version_id), live[0])
    if not history.versions:
        return None
    return _chain(history, max(history.versions, key=lambda one: (one.created_at, one.id)), None)


def _chain(history: History, version: VersionFact, deployment: DeploymentFact | None) -> Chain:
    ends = links.ends(history, version, deployment)
    found = tuple(
        Link(name, title, value(ends), judge(history, ends))
        for name, title, value, judge in LINKS
        if name != "deployment" or deployment is not None
    )
    return Chain(
        version.model,
        version.name,
        deployment.environment if deployment else None,
        found,
        _first(found),
        worst(one.judged for one in found),
    )


def _first(found: Sequence[Link]) -> Link | None:
    for status in (Status.MISSING, Status.UNKNOWN):
        for one in found:
            if one.judged.status is status:
                return one
    return None


LINKS: tuple[tuple[str, str, Callable[[Ends], str], Callable[[History, Ends], Judged]], ...] = (
    ("commit", "Commit", lambda ends: ends.commit or "", links.commit),
    ("ci_run", "CI run", lambda ends: ends.builds[-1].run if ends.builds else "", links.ci_run),
    ("package", "Packages", lambda ends: ", ".join(ends.packages), links.package),
    (
        "pipeline_version",
        "Pipeline version",
        lambda ends: ends.delivered.digest if ends.delivered else "",
        links.delivery,
    ),
    (
        "pipeline_run",
        "Pipeline run",
        lambda ends: ends.run.run if ends.run else ends.version.run or "",
        links.pipeline_run,
    ),
    ("model_version", "Model version", lambda ends: ends.version.name, links.model_version),
    (
        "deployment",
        "Deployment",
        lambda ends: ends.deployment.environment if ends.deployment else "",
        links.deployed,
    ),
)
