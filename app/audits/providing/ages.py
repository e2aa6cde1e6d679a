"""How old the training data is, how old it may be, and what trainings to several dates predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.audits.attempt import Attempt, OlderSubject
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.loading import data_frame, declaration, load
from app.evidence import staleness
from checks.contract import Missing
from checks.evidence import Declaration, Holdout, HoldoutPredictions, Predictions, Predictor, Task, TrainingData
from checks.model.staleness_impact import StalenessImpact
from checks.serving import (
    AT,
    AgedPredictions,
    AgedRun,
    LabelledServing,
    RetrainingCadence,
    StalenessLimit,
    TrainingPeriod,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

KIND = "staleness-predictions"
ENOUGH = StalenessImpact.thresholds["min_rows"]
"""Labelled predictions from which on these are used, and not the test data."""


def _training_period(source: Source, _attempt: Attempt) -> Provided:
    train = source.get(TrainingData)
    times = _times(source.get(Declaration).value, train.value.frame, "training")
    return Provided(TrainingPeriod(_to_the_microsecond(times.max())), train.inputs)


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


@dataclass(frozen=True)
class _Rows:
    """(n,) labelled rows on which every training is scored. ``predicted``: by the version itself.

    ``labelled_at`` is the middle of their times; ``drawn_from`` says whose they are, ``inputs`` out of which files.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    labelled_at: datetime | None
    drawn_from: str
    inputs: dict[str, str]
    predicted: Callable[[], Predictions]


def _aged(source: Source, attempt: Attempt) -> Provided:
    """What the version and older trainings predict for the same rows: labelled traffic, else the test data."""
    file = next(iter(attempt.handed_in.get(KIND, ())), None)
    rows = _test_rows(source, "test data") if file else _current_rows(source, attempt)
    inputs, skipped = dict(rows.inputs), list[str]()
    runs = [*_collected(_own(source, attempt, rows), skipped)]
    if file is not None:
        inputs[KIND] = file.digest
        declared = source.get(Declaration).value
        runs += _collected(_from_file(file.path, declared, rows.frame, rows.labels), skipped)
    else:
        inputs |= {f"artifact of {one.name}": one.artifact.digest for one in attempt.same_recipe if one.artifact}
        runs += _collected((_older(one, rows.frame) for one in attempt.same_recipe), skipped)
    if len(runs) < 2:
        why = f" ({'; '.join(skipped)})" if skipped else ""
        raise Missing(
            f"trainings of this recipe to other dates{why}",
            f"register earlier versions of it with columns.time, or hand in evidence of the kind {KIND}",
        )
    value = AgedPredictions(
        digest=file.digest if file else source.get(Holdout).value.digest,
        cap=file.cap if file else None,
        labels=rows.labels,
        labelled_at=rows.labelled_at,
        drawn_from=rows.drawn_from,
        runs=tuple(runs),
        skipped=tuple(skipped),
    )
    return Provided(value, inputs, value.cap)


def _test_rows(source: Source, told: str) -> _Rows:
    import numpy as np

    from checks.methods.cohorts import answers, labels_of

    declared, holdout = source.get(Declaration).value, source.get(Holdout)
    known, labels = labels_of(declared, holdout.value, "test")
    rows = np.flatnonzero(known)
    frame = holdout.value.frame.iloc[rows]
    return _Rows(
        frame,
        labels,
        _middle(declared, frame),
        told,
        holdout.inputs,
        lambda: answers(source.get(HoldoutPredictions).value, rows),
    )


def _current_rows(source: Source, attempt: Attempt) -> _Rows:
    """The window's labelled traffic where that is enough and of every class, else the test data."""
    import numpy as np

    from checks.methods.cohorts import answers, labelled
    from checks.methods.served import classes_of, of_holdout, of_log

    try:
        served = source.get(LabelledServing)
    except Missing:
        return _test_rows(source, "test data")
    declared, holdout = source.get(Declaration).value, source.get(Holdout)
    reference = of_holdout(labelled(declared, holdout.value, source.get(HoldoutPredictions).value))
    classes = classes_of(declared, reference)
    rows = of_log(declared, served.value.frame, classes, labelled=True)
    truth, where = np.asarray(rows.truth), served.value.window.environment
    if len(rows) < ENOUGH or not {*classes} <= {*truth.tolist()}:
        needed = f"{ENOUGH} with all classes among them"
        return _test_rows(source, f"test data, as {where} has {len(rows)} labelled predictions and needs {needed}")

    def predicted() -> Predictions:
        if attempt.subject.artifact is None:
            return rows.predicted
        return answers(source.get(Predictor).value.predict(rows.frame), np.arange(len(rows)))

    middle: Any = rows.frame[AT].median()
    told = f"labelled traffic of {where}"
    return _Rows(rows.frame, truth, _to_the_microsecond(middle), told, served.inputs, predicted)


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


def _own(source: Source, attempt: Attempt, rows: _Rows) -> Iterator[Attempted]:
    name = f"version {attempt.subject.manifest['version']['name']}"
    yield name, lambda: AgedRun(name, source.get(TrainingPeriod).value.end, rows.predicted())


def _older(subject: OlderSubject, frame: pd.DataFrame) -> Attempted:
    import numpy as np

    from checks.methods.cohorts import answers

    name = f"version {subject.name}"

    def make() -> AgedRun:
        if subject.artifact is None or subject.train is None:
            raise Missing("its model or its training data", "register it anew")
        declared = declaration(subject)
        frame_of_times = data_frame(subject.train, "train", _time_column(declared))
        until = _to_the_microsecond(_times(declared, frame_of_times, "training").max())
        predicted = load(subject.artifact, declared).predict(frame)
        return AgedRun(name, until, answers(predicted, np.arange(len(frame))))

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
        return _to_the_microsecond(_times(declared, frame, "test").median())
    except Missing:
        return None


def _to_the_microsecond(at: Any) -> datetime:
    """A pandas timestamp as Python's; the median of two may lie between microseconds."""
    found: datetime = at.floor("us").to_pydatetime()
    return found


PROVIDERS: Providers = {
    TrainingPeriod: _training_period,
    StalenessLimit: _limit,
    RetrainingCadence: _cadence,
    AgedPredictions: _aged,
}
