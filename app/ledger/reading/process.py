"""Rows 1 to 3: design, experimentation and development, operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.ledger.events import PipelineRunEvent
from app.ledger.history import FindingFact, History, VersionFact
from app.ledger.reading import within
from app.ledger.reading.delivery.practice import makers_of, practices
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown
from checks.contract import Scope, Section
from checks.methods.metrics import HIGHER_IS_BETTER
from checks.rubric import BY_ID

ITERATIONS = 2
"""Runs up to the one that was chosen, which make development iterative."""
TELLING = frozenset({"pass", "fail"})


@dataclass(frozen=True)
class Design:
    """``fields``: what the registration says of the business, None where it says nothing."""

    fields: Mapping[str, str | None]
    judged: Judged


@dataclass(frozen=True)
class Development:
    """``chosen``: the run that made the version; ``value``: of the manifest's quality metric in that run.
    ``runs``: how many had succeeded by then, it included.
    """

    chosen: str | None
    runs: int
    metric: str
    value: float | None
    floor: float | None
    judged: Judged


@dataclass(frozen=True)
class Operations:
    """``found``: the newest finding with a verdict by section, None where there is none."""

    found: Mapping[Section, FindingFact | None]
    judged: Judged


def design(history: History, version: VersionFact | None) -> Design:
    """Row 1: what the model is for, who uses it, which problem it solves, and from when on it is good enough.

    ``history``: of one model; ``version``: whose manifest sets the threshold.
    """
    model = history.models[0]
    quality = version.manifest.get("quality", {}) if version else {}
    floor = quality.get("floor")
    fields = {
        "purpose": model.purpose or None,
        "users": model.users or None,
        "problem type": model.problem_type or None,
        "business metric": model.business_metric.get("name") or None,
        "business target": model.business_metric.get("target") or None,
        "threshold": f"{quality['metric']} {floor:g}" if floor is not None else None,
    }
    proofs = [
        Proof(f"{name}: {value}", *((version.created_at, version.created_by) if version else ()))
        for name, value in fields.items()
        if value
    ]
    missing = [name for name, value in fields.items() if not value]
    if not missing:
        return Design(fields, met(*proofs))
    remedy = "Complete assay.yaml (model.business_metric.target, quality.floor) and register the next version."
    return Design(fields, lacking(f"the registration has no {', no '.join(missing)}", remedy, *proofs))


def development(history: History, version: VersionFact | None) -> Development:
    """Row 2: the version was chosen from several runs, and its run keeps to the registered threshold.

    ``history``: of one model.
    """
    if version is None:
        judged = unknown("no version is registered", "Register one: assay model register -f assay.yaml")
        return Development(None, 0, "", None, None, judged)
    quality = version.manifest.get("quality", {})
    metric, floor = quality.get("metric", ""), quality.get("floor")
    practice = next(one for one in practices(history) if one.model.name == version.model)
    chosen = max(makers_of(practice)[version.name], key=lambda one: (one.at, one.run), default=None)
    if chosen is None:
        return Development(None, 0, metric, None, floor, _no_run(version))
    before = [one for one in within.succeeded(practice.runs) if within.started(one) <= within.started(chosen)]
    value = chosen.metrics.get(metric)
    judged = _developed(history, chosen, len(before), metric, value, floor)
    return Development(chosen.run, len(before), metric, value, floor, judged)


def _no_run(version: VersionFact) -> Judged:
    return unknown(
        f"which run made {version.name} is not known",
        "Name it in the manifest (version.pipeline.run), and tell of the runs (event pipeline_run).",
    )


def _developed(
    history: History, chosen: PipelineRunEvent, runs: int, metric: str, value: float | None, floor: float | None
) -> Judged:
    teller = within.by_whom(history, chosen.kind, chosen.id)
    proofs = [Proof(f"the run {chosen.run} was chosen, the {runs}. that succeeded", chosen.at, teller)]
    if value is not None:
        proofs.append(Proof(f"its {metric} is {value:g}", chosen.at, teller))
    if value is None:
        return unknown(f"the run {chosen.run} does not tell {metric}", "Tell the metric with the run.", *proofs)
    if floor is None:
        return lacking("no threshold is registered", "Give the manifest quality.floor.", *proofs)
    if value < floor if HIGHER_IS_BETTER.get(metric, True) else value > floor:
        return lacking(f"{metric} {value:g} is outside of the threshold {floor:g}", "Choose a better run.", *proofs)
    if runs < ITERATIONS:
        return lacking("it was the first run: nothing shows iterations", "Tell of the other experiments.", *proofs)
    return met(*proofs)


def operations(history: History, version: VersionFact | None) -> Operations:
    """Row 3: each of the rubric's four sections has a recent verdict, for the version or the system around it."""
    telling = [
        one for one in history.findings if one.verdict in TELLING and one.test in BY_ID and _bears_on(one, version)
    ]
    found = {
        section: max(
            (one for one in telling if BY_ID[one.test].section is section),
            key=lambda one: (one.at, one.id),
            default=None,
        )
        for section in Section
    }
    proofs = [
        Proof(f"{section}: {one.test} {one.verdict}", one.at, f"audit {one.audit_id}", f"/findings/{one.id}")
        for section, one in found.items()
        if one is not None
    ]
    old = [str(section) for section, one in found.items() if one and not _recent(history, one)]
    if old:
        missing = f"no test of {', '.join(old)} came to a verdict in {within.RECENT_DAYS:g} days"
        return Operations(found, lacking(missing, "Give the audits a schedule: assay schedule set", *proofs))
    silent = [str(section) for section, one in found.items() if one is None]
    if not silent:
        return Operations(found, met(*proofs))
    missing = f"no test has come to a verdict in {', '.join(silent)}"
    return Operations(found, unknown(missing, "Audit the version: assay audit run MODEL@VERSION", *proofs))


def _recent(history: History, finding: FindingFact) -> bool:
    return within.age_days(history, finding.at) <= within.RECENT_DAYS


def _bears_on(finding: FindingFact, version: VersionFact | None) -> bool:
    of_system = BY_ID[finding.test].scope is Scope.SYSTEM
    return of_system or (version is not None and finding.version == version.name)
