"""How old the training data is, how old it may be, and what trainings to several dates predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.audits.attempt import Attempt, OlderSubject
from app.audits.providing.contract import Provided, Providers, Source
from app.evidence import staleness
from checks.contract import Missing
from checks.evidence import Declaration, Holdout, HoldoutPredictions, Predictions, Task, TrainingData
from checks.serving import AgedPredictions, AgedRun, RetrainingCadence, StalenessLimit, TrainingPeriod

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

KIND = "staleness-predictions"


def _training_period(source: Source, _attempt: Attempt) -> Provided:
    train = source.get(TrainingData)
    times = _times(source.get(Declaration).value, train.value.frame, "training")
    return Provided(TrainingPeriod(times.max().to_pydatetime()), train.inputs)


def _times(declared: Declaration, frame: pd.DataFrame, where: str) -> pd.Series[Any]:
    """The times of the rows that have one (UTC); Missing where the column is none of times."""
    import pandas as pd

    name = declared.time_column
    if name is None:
        raise Missing("a time column", "declare `columns.time`: when each example was known")
    way_out = f"add the column {name} to the {where} data, as timestamps or ISO 8601 text"
    if name not in frame:
        raise Missing(f"the time column {name} in the {where} data", way_out)
    given = frame[name].dropna()
    if given.empty:
        raise Missing(f"times in any row of the column {name} of the {where} data", way_out)
    if pd.api.types.is_numeric_dtype(given):  # seconds or milliseconds, since when? Nobody says.
        raise Missing(f"times in the column {name} of the {where} data, which holds numbers", way_out)
    times = pd.to_datetime(given.astype(object), utc=True, errors="coerce", format="ISO8601")
    if times.isna().any():
        raise Missing(f"times in every row of the column {name} of the {where} data", way_out)
    return times


def _time_column(declared: Declaration) -> list[str] | None:
    return [declared.time_column] if declared.time_column else None


def _limit(_source: Source, attempt: Attempt) -> Provided:
    known = attempt.staleness
    if known is None:
        raise Missing("a conclusive finding of MODEL-4", "hand in staleness-predictions and audit MODEL-4")
    return Provided(StalenessLimit(known.days, known.finding_id, known.lost))


def _cadence(_source: Source, attempt: Attempt) -> Provided:
    days = attempt.subject.manifest["model"].get("retraining_days")
    if days is None:
        raise Missing("a retraining cadence", "declare `model.retraining_days`")
    return Provided(RetrainingCadence(float(days)))


def _aged(source: Source, attempt: Attempt) -> Provided:
    """The holdout as the version itself predicts it, beside older trainings."""
    import numpy as np

    from checks.methods.cohorts import labels_of

    declared, holdout = source.get(Declaration).value, source.get(Holdout)
    known, labels = labels_of(declared, holdout.value, "test")
    rows = np.flatnonzero(known)
    inputs, skipped = dict(holdout.inputs), list[str]()
    file = next(iter(attempt.handed_in.get(KIND, ())), None)
    runs = [*_collected(_own(source, attempt, rows), skipped)]
    if file is not None:
        inputs[KIND] = file.digest
        runs += _collected(_from_file(file.path, declared, holdout.value.frame.iloc[rows], labels), skipped)
    else:
        inputs |= {f"artifact of {one.name}": one.artifact.digest for one in attempt.same_recipe if one.artifact}
        runs += _collected((_older(one, holdout.value.frame, rows) for one in attempt.same_recipe), skipped)
    if len(runs) < 2:
        why = f" ({'; '.join(skipped)})" if skipped else ""
        raise Missing(
            f"trainings of this recipe to other dates{why}",
            f"register earlier versions of it with columns.time, or hand in evidence of the kind {KIND}",
        )
    value = AgedPredictions(
        digest=file.digest if file else holdout.value.digest,
        cap=file.cap if file else None,
        labels=labels,
        labelled_at=_middle(declared, holdout.value.frame.iloc[rows]),
        runs=tuple(runs),
        skipped=tuple(skipped),
    )
    return Provided(value, inputs, value.cap)


Attempted = tuple[str, Any]
"""A training's name, and a function that makes its ``AgedRun``."""


def _collected(attempted: Iterator[Attempted], skipped: list[str]) -> Iterator[AgedRun]:
    """Those that can be had; one that cannot is told of, and stops nothing."""
    for name, make in attempted:
        try:
            yield make()
        except Missing as missing:
            skipped.append(f"{name}: {missing.what} is missing")
        except Exception as error:  # noqa: BLE001 - an old version that fails is told, and stops nothing
            skipped.append(f"{name}: {error or type(error).__name__}")


def _own(source: Source, attempt: Attempt, rows: np.ndarray) -> Iterator[Attempted]:
    from checks.methods.cohorts import answers

    name = f"version {attempt.subject.manifest['version']['name']}"

    def make() -> AgedRun:
        until = source.get(TrainingPeriod).value.end
        return AgedRun(name, until, answers(source.get(HoldoutPredictions).value, rows))

    yield name, make


def _older(subject: OlderSubject, frame: pd.DataFrame, rows: np.ndarray) -> Attempted:
    from app.audits.providers import data_frame, declaration, load
    from checks.methods.cohorts import answers

    name = f"version {subject.name}"

    def make() -> AgedRun:
        if subject.artifact is None or subject.train is None:
            raise Missing("its model or its training data", "register it anew")
        declared = declaration(subject)
        frame_of_times = data_frame(subject.train, "train", _time_column(declared))
        until = _times(declared, frame_of_times, "training").max().to_pydatetime()
        predicted = load(subject.artifact, declared).predict(frame)
        return AgedRun(name, until, answers(predicted, rows))

    return name, make


def _from_file(
    path: str | None, declared: Declaration, frame: pd.DataFrame, labels: np.ndarray
) -> Iterator[Attempted]:
    """One training a cut-off date of a handed-in file, on the labelled rows ``frame``."""
    if declared.id_column is None or declared.id_column not in frame:
        raise Missing("ids in the test data", "declare `columns.id`, by which predictions find their rows")
    if path is None:
        raise FileNotFoundError(f"the file of {KIND} is gone")
    ids = frame[declared.id_column].astype(str).tolist()
    for cutoff, answers in staleness.parse(Path(path).read_bytes()).items():

        def make(cutoff: date = cutoff, answers: staleness.Answers = answers) -> AgedRun:
            until = datetime.combine(cutoff, time(), UTC)
            return AgedRun(f"cut-off {cutoff}", until, _predictions(answers, ids, declared, labels))

        yield f"cut-off {cutoff}", make


def _predictions(
    answers: Mapping[str, tuple[str, float | None]], ids: list[str], declared: Declaration, labels: np.ndarray
) -> Predictions:
    """What a file says of these rows, in the labels' own type."""
    import numpy as np

    from checks.methods.schema import as_category

    if absent := sum(one not in answers for one in ids):
        raise Missing(f"a prediction for {absent} of {len(ids)} labelled rows", "predict the whole test data")
    given = [answers[one] for one in ids]
    if declared.task is Task.REGRESSION:
        return Predictions(np.array([float(text) for text, _ in given]))
    known = [*dict.fromkeys(labels.tolist()), declared.positive]
    classes = {as_category(one): one for one in known if one is not None}
    label = np.array([classes.get(text, text) for text, _ in given])
    scores = [score for _, score in given]
    others = [one for one in classes.values() if one != declared.positive]
    if declared.task is not Task.BINARY or len(others) != 1 or None in scores:
        return Predictions(label)
    positive = np.array(scores, dtype=float)
    return Predictions(label, np.column_stack([1 - positive, positive]), (others[0], declared.positive))


def _middle(declared: Declaration, frame: pd.DataFrame) -> datetime | None:
    try:
        middle: Any = _times(declared, frame, "test").median()
    except Missing:
        return None
    found: datetime = middle.to_pydatetime()
    return found


PROVIDERS: Providers = {
    TrainingPeriod: _training_period,
    StalenessLimit: _limit,
    RetrainingCadence: _cadence,
    AgedPredictions: _aged,
}
