"""The seven components that a pipeline relies on: whether each answers, its version, when it last did something.

A component is met when a probe reached it in the last ``PROBED_DAYS``, or when something that only it could have
done was told of lately: a commit proves source control, a CI run a test and build service, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from app.catalog.pipelines import ComponentKind
from app.ledger import folding
from app.ledger.events import ComponentEvent
from app.ledger.history import History, VersionFact
from app.ledger.reading import metadata, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst

PROBED_DAYS = 7.0
ACTIVE_DAYS = 30.0
"""Activity proves a component for so many days, or for as long as an output of the pipeline is fresh."""

PROBE = "Declare it with its url in pipeline.yaml, then: assay ledger probe PIPELINE"

KINDS: tuple[ComponentKind, ...] = get_args(ComponentKind)
TITLES: Mapping[ComponentKind, str] = {
    "source_control": "Source control",
    "test_and_build": "Test and build services",
    "deployment_services": "Deployment services",
    "model_registry": "Model registry",
    "feature_store": "Feature store",
    "metadata_store": "ML metadata store",
    "orchestrator": "ML pipeline orchestrator",
}


@dataclass(frozen=True)
class Component:
    """``reachable``: as the newest probe found it, None without one. ``names``: as declared or probed.

    ``last_activity_at``: when it last did something; ``last_evidence_at``: when anything last told of it.
    """

    kind: ComponentKind
    title: str
    names: tuple[str, ...]
    reachable: bool | None
    version: str | None
    last_activity_at: datetime | None
    last_evidence_at: datetime | None
    judged: Judged


def of_pipeline(history: History, name: str) -> tuple[Component, ...]:
    return read(within.of_pipeline(history, name))


def of_model(history: History, name: str) -> tuple[Component, ...]:
    return read(within.of_model(history, name))


def read(history: History) -> tuple[Component, ...]:
    """All seven, in the order of the rows. Args: history: narrowed to a pipeline or a model."""
    return tuple(_component(history, kind) for kind in KINDS)


def _component(history: History, kind: ComponentKind) -> Component:
    probes = folding.newest((one for one in history.components if one.component == kind), lambda one: one.name)
    probes.sort(key=lambda one: (one.at, one.id))
    activity = _newest(ACTIVITY[kind](history))
    names = [part.name for form in within.forms(history) for part in form.components if part.kind == kind]
    seen = [one.last_activity_at for one in probes] + [activity.at if activity else None]
    evidence = [one.at for one in probes] + [activity.at if activity else None]
    parts = [_alive(history, kind, probes, activity), *(part(history) for part in PARTS.get(kind, ()))]
    return Component(
        kind=kind,
        title=TITLES[kind],
        names=tuple(dict.fromkeys([*names, *(one.name for one in probes)])),
        reachable=all(one.reachable for one in probes) if probes else None,
        version=next((one.version for one in reversed(probes) if one.version), None),
        last_activity_at=max((at for at in seen if at is not None), default=None),
        last_evidence_at=max((at for at in evidence if at is not None), default=None),
        judged=worst(parts),
    )


def _newest(proofs: Iterable[Proof]) -> Proof | None:
    return max((one for one in proofs if one.at is not None), key=_when, default=None)


def _when(one: Proof) -> tuple[datetime, str]:
    assert one.at is not None  # noqa: S101
    return one.at, one.text


def _alive(
    history: History, kind: ComponentKind, probes: Sequence[ComponentEvent], activity: Proof | None
) -> Judged:
    since = activity.at if activity else None
    down = [one for one in probes if not one.reachable and (since is None or since <= one.at)]
    if down:
        told = f": {down[-1].detail}" if down[-1].detail else ""
        return lacking(
            f"{down[-1].name} did not answer{told}", "See whether it runs, and whether its url is right."
        )
    proofs = [*(_probed(history, one) for one in probes), *([activity] if activity else [])]
    limit = max(ACTIVE_DAYS, within.fresh_days(history))
    probed = any(one.reachable and within.age_days(history, one.at) <= PROBED_DAYS for one in probes)
    if probed or (since is not None and within.age_days(history, since) <= limit):
        return met(*proofs)
    if proofs:
        newest = max(_when(one)[0] for one in proofs)
        missing = f"nothing was heard of it for {within.age_days(history, newest):.0f} days"
        return unknown(missing, "Probe it: assay ledger probe PIPELINE", *proofs)
    return unknown(f"{TITLES[kind]}: nothing is known", PROBE)


def _probed(history: History, one: ComponentEvent) -> Proof:
    version = f" {one.version}" if one.version else ""
    text = f"{one.name}{version} {'answered' if one.reachable else 'did not answer'}"
    return Proof(text, one.at, within.by_whom(history, one.kind, one.id))


# --- what else proves that a component is at work -------------------------------------------------


def _commits(history: History) -> Iterable[Proof]:
    for one in history.commits:
        yield Proof(f"commit {within.short(one.commit)}", one.at, within.by_whom(history, one.kind, one.id))


def _ci_runs(history: History) -> Iterable[Proof]:
    for one in history.ci_runs:
        yield Proof(f"CI run {one.run} {one.state}", one.at, within.by_whom(history, one.kind, one.id))


def _deployments(history: History) -> Iterable[Proof]:
    for one in history.deployments:
        path = f"/models/{one.model}/serving"
        yield Proof(f"{one.version} deployed to {one.environment}", one.started_at, one.actor, path)


def _registered(history: History) -> Iterable[Proof]:
    for told in history.registered_versions:
        text = f"{told.registry}: {told.name} {told.number}"
        yield Proof(text, told.at, within.by_whom(history, told.kind, told.id))
    for one in history.versions:
        yield _version(one, "registered in Assay")


def _version(one: VersionFact, text: str) -> Proof:
    path = f"/models/{one.model}/versions/{one.name}"
    return Proof(f"{one.model} {one.name} {text}", one.created_at, one.created_by, path)


def _recorded(history: History) -> Iterable[Proof]:
    for one in history.runs:
        if one.parameters or one.metrics:
            text = f"metadata of run {one.run}"
            yield Proof(text, one.at, within.by_whom(history, one.kind, one.id))


def _orchestrated(history: History) -> Iterable[Proof]:
    for one in history.runs:
        if one.orchestrated:
            text = f"{one.orchestrator or 'the orchestrator'} recorded run {one.run}"
            yield Proof(text, one.at, within.by_whom(history, one.kind, one.id))


ACTIVITY: Mapping[ComponentKind, Callable[[History], Iterable[Proof]]] = {
    "source_control": _commits,
    "test_and_build": _ci_runs,
    "deployment_services": _deployments,
    "model_registry": _registered,
    "feature_store": lambda _: (),
    "metadata_store": _recorded,
    "orchestrator": _orchestrated,
}


def _data_under_control(history: History) -> Judged:
    """A run or a version says by digest which data it was made from."""
    told = [
        Proof(
            f"run {one.run} trained on {within.short(one.data_digest)}",
            one.at,
            within.by_whom(history, one.kind, one.id),
        )
        for one in history.runs
        if one.data_digest
    ]
    told += [
        _version(one, f"trained on {within.short(one.data['train'])}")
        for one in history.versions
        if "train" in one.data
    ]
    return _under_control(told, "data", "Tell the `data_digest` of runs, or register versions with their data.")


def _artifacts_under_control(history: History) -> Judged:
    told = [
        _version(one, f"is artifact {within.short(one.artifact_digest)}")
        for one in history.versions
        if one.artifact_digest
    ]
    return _under_control(told, "model artifacts", "Register versions with their artifact.")


def _under_control(told: Iterable[Proof], what: str, remedy: str) -> Judged:
    newest = _newest(told)
    return met(newest) if newest else unknown(f"no digest of {what} is known", remedy)


PARTS: Mapping[ComponentKind, tuple[Callable[[History], Judged], ...]] = {
    "source_control": (_data_under_control, _artifacts_under_control),
    "metadata_store": (lambda history: metadata.read(history).judged,),
}
"""What a component must hold beside being at work: source control not only code, the metadata store every run."""
