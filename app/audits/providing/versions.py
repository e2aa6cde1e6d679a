"""How good versions are offline and online, from their own test data and their labelled traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.audits.attempt import Attempt, ServedSubject
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import read
from app.audits.providing.loading import data_frame, declaration, load, predictions_in
from app.audits.providing.traffic import paths_of
from checks.contract import SEED, Missing
from checks.evidence import Declaration, Holdout, HoldoutPredictions
from checks.model.offline_online_correlation import OfflineOnlineCorrelation
from checks.serving import OfflineOnline, ServedVersion

if TYPE_CHECKING:
    from app.evidence.kinds import EvidenceKind
    from checks.methods.cohorts import Labelled

KIND: EvidenceKind = "metric-pairs"
CAP = "its author could have written the figures by hand"
MOST_ROWS = 10_000
"""Of test data and of traffic each, by version."""
ENOUGH = OfflineOnlineCorrelation.thresholds["min_pairs"]
FEWEST_ROWS = OfflineOnlineCorrelation.thresholds["min_rows"]


def _offline_online(_source: Source, attempt: Attempt) -> Provided:
    """What was served, where that are enough versions; else the newest file, if there is one."""
    versions, skipped, inputs = list[ServedVersion](), list[str](), dict[str, str]()
    for subject in attempt.served_versions:
        try:
            versions.append(_scored(subject))
        except Missing as missing:
            skipped.append(f"{subject.name}: needs {missing.what}")
        except Exception as error:  # noqa: BLE001 - an old version that fails is told, and stops nothing
            skipped.append(f"{subject.name}: {error or type(error).__name__}")
        else:
            inputs |= _inputs(subject)
    file = next(iter(attempt.handed_in.get(KIND, ())), None)
    if file is not None and len(versions) < ENOUGH:
        cap = file.cap or CAP
        value = OfflineOnline(file.digest, cap, pairs=read(file), skipped=tuple(skipped))
        return Provided(value, {KIND: file.digest}, cap)
    if not attempt.served_versions:
        raise Missing(
            "versions with labelled traffic, and pairs of metrics that an experiment made",
            f"audit with --environment and push labels, or hand in evidence of the kind {KIND} (CSV)",
        )
    return Provided(OfflineOnline("", versions=tuple(versions), skipped=tuple(skipped)), inputs)


def _inputs(subject: ServedSubject) -> dict[str, str]:
    files = {"artifact": subject.artifact, "test": subject.test, "labels": subject.traffic.labels}
    return {f"{part} of {subject.name}": file.digest for part, file in files.items() if file}


def _scored(subject: ServedSubject) -> ServedVersion:
    import numpy as np

    from app.engines.prediction_log import read_labelled
    from checks.methods.cohorts import subset
    from checks.methods.served import classes_of, of_holdout, of_log

    declared, traffic = declaration(subject), subject.traffic
    if traffic.labels is None or traffic.labels.path is None:
        raise Missing("labels", "push them")
    logged = read_labelled(paths_of(traffic), traffic.start, traffic.end, MOST_ROWS, Path(traffic.labels.path))
    tested = _tested(subject, declared)
    if len(tested) > MOST_ROWS:
        tested = subset(tested, np.sort(np.random.default_rng(SEED).permutation(len(tested))[:MOST_ROWS]))
    offline = of_holdout(tested)
    online = of_log(declared, logged.frame, classes_of(declared, offline), labelled=True)
    for rows, what in ((tested, "labelled rows of test data"), (online, "labelled predictions")):
        if len(rows) < FEWEST_ROWS:
            raise Missing(f"{FEWEST_ROWS} {what}, has {len(rows)}", "wait for more")
    return ServedVersion(
        subject.name, (tested.truth, tested.predicted), (np.asarray(online.truth), online.predicted)
    )


def _tested(subject: ServedSubject, declared: Declaration) -> Labelled:
    """The version's own test data as it predicts it."""
    from checks.methods.cohorts import labelled

    if subject.test is None:
        raise Missing("test data", "name it in the manifest under data.test")
    holdout = Holdout(data_frame(subject.test, "test"), subject.test.digest)
    if subject.artifact is None:
        return labelled(declared, holdout, predictions_in(holdout, declared))
    made = load(subject.artifact, declared).predict(holdout.frame)
    return labelled(declared, holdout, HoldoutPredictions(made.label, made.proba, made.classes))


PROVIDERS: Providers = {OfflineOnline: _offline_online}
