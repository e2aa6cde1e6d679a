"""Optuna, through its own library: from a study at hand, or one in a storage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from app.errors import Invalid
from app.evidence.documents import Source
from app.evidence.trials import ParameterForm, TrialForm, TrialsForm


def load(storage: str, name: str) -> Any:
    """The study ``name`` in a storage: a database's URL, or the file of a journal.

    Raises:
        Invalid: Optuna is not installed here, or there is no such study.
    """
    try:
        import optuna
    except ImportError:
        raise Invalid("Optuna is not installed beside assay: pip install optuna") from None
    try:
        if "://" in storage:
            return optuna.load_study(study_name=name, storage=storage)
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(storage)))
    except KeyError:
        raise Invalid(f"there is no study {name!r} in {storage}") from None


def trials(study: Any, limits: Sequence[ParameterForm] = ()) -> TrialsForm:
    """The trials of an ``optuna.Study`` with one objective.

    Args:
        limits: natural limits by parameter (``least``, ``most``); the ranges come from the study.

    Raises:
        Invalid: the study has several objectives, so that no trial is the best.
    """
    if len(study.directions) != 1:
        raise Invalid(f"the study {study.study_name!r} has {len(study.directions)} objectives; one can be judged")
    maximize = study.direction.name == "MAXIMIZE"
    recorded = study.get_trials(deepcopy=False)
    return TrialsForm(
        source=Source(tool="optuna", name=study.study_name),
        metric=next(iter(study.metric_names or ()), "objective"),
        direction="maximize" if maximize else "minimize",
        parameters=list(_ranges(recorded, {one.name: one for one in limits})),
        trials=[_trial(one) for one in recorded],
    )


def _trial(trial: Any) -> TrialForm:
    value = trial.values[0] if trial.values else None
    if value is not None and not math.isfinite(value):
        value = None
    states: dict[str, Literal["complete", "pruned", "failed", "running"]] = {
        "COMPLETE": "complete" if value is not None else "failed",
        "PRUNED": "pruned",
        "FAIL": "failed",
    }
    return TrialForm(
        id=str(trial.number),
        state=states.get(trial.state.name, "running"),
        value=value,
        parameters={name: list(one) if isinstance(one, tuple) else one for name, one in trial.params.items()},
    )


def _ranges(recorded: Iterable[Any], limits: dict[str, ParameterForm]) -> Iterator[ParameterForm]:
    """The widest range of every parameter over all trials, since it may change from one to the next."""
    found: dict[str, list[Any]] = {}
    for trial in recorded:
        for name, distribution in trial.distributions.items():
            found.setdefault(name, []).append(distribution)
    for name in {**found, **limits}:
        numeric = [one for one in found.get(name, ()) if hasattr(one, "low")]
        limit = limits.get(name)
        yield ParameterForm(
            name=name,
            low=min((one.low for one in numeric), default=None),
            high=max((one.high for one in numeric), default=None),
            log=any(one.log for one in numeric),
            least=limit.least if limit else None,
            most=limit.most if limit else None,
        )
