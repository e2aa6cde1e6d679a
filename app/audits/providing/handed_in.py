"""Files that CI or people handed in for the version, read by what reads their kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from app.audits.attempt import Attempt, HandedInFile
from app.audits.providing.contract import Provided, Providers, Source
from app.evidence.kinds import KINDS, EvidenceKind
from checks.contract import Missing
from checks.evidence import TrainingMetrics, UnitTests


def newest(attempt: Attempt, kind: EvidenceKind, what: str, form: str) -> tuple[Any, HandedInFile]:
    """The newest file of a kind, as its parser reads it; Missing names ``what`` and the ``form`` it comes in."""
    files = attempt.handed_in.get(kind)
    if not files:
        raise Missing(what, f"hand in a file ({form}): evidence of the kind {kind}, in the manifest or by CI")
    return read(files[0]), files[0]


def read(file: HandedInFile) -> Any:
    """What a file says, or its bytes where its kind has no parser."""
    if file.path is None:
        raise FileNotFoundError(file.problem)
    content = Path(file.path).read_bytes()
    parse = KINDS[cast(EvidenceKind, file.format)].parse
    return parse(content) if parse else content


def _unit_tests(_source: Source, attempt: Attempt) -> Provided:
    cases, file = newest(attempt, "junit", "JUnit results of the model's own tests", "pytest --junitxml")
    return Provided(UnitTests(file.digest, file.cap, cases), {"junit": file.digest}, file.cap)


def _training_metrics(_source: Source, attempt: Attempt) -> Provided:
    kind: EvidenceKind = "training-metrics"
    series, file = newest(attempt, kind, "metrics logged while training", "JSON, a list a metric")
    return Provided(TrainingMetrics(file.digest, file.cap, series), {kind: file.digest}, file.cap)


PROVIDERS: Providers = {UnitTests: _unit_tests, TrainingMetrics: _training_metrics}
