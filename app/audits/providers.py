"""Turns an attempt's files into the typed evidence that checks ask for: each once, and only when asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress

from app.audits.attempt import Attempt, EarlierSubject
from app.audits.providing import AHEAD, PROVIDERS, Provided
from app.audits.providing.declared import masks
from app.audits.providing.loading import data_frame, declaration, load, predictions_in
from checks.contract import Missing
from checks.evidence import (
    Data,
    Declaration,
    EarlierVersions,
    Holdout,
    HoldoutPredictions,
    Predictions,
    Predictor,
    ReferenceData,
    Rescored,
    TrainingData,
)

ROLES: dict[type[Data], str] = {TrainingData: "train", Holdout: "test", ReferenceData: "reference"}


class Evidence:
    """The evidence of one attempt, by the type that a check's ``measure`` names.

    What another process makes slowly is made beside the checks, as soon as a check has shown that the model loads:
    a model that takes this process down is to be met by a check, whose error says so.

    Args:
        wanted: the types that checks of the attempt will ask for.
    """

    def __init__(self, attempt: Attempt, wanted: Collection[type] = ()) -> None:
        self._attempt = attempt
        self._ahead = {slow for kind, slow in AHEAD.items() if kind in wanted}
        self._known: dict[type, Provided | Exception] = {}
        self._providers: dict[type, Callable[[], Provided]] = {
            Predictor: self._predictor,
            HoldoutPredictions: self._holdout_predictions,
            EarlierVersions: self._earlier_versions,
        }
        for kind in ROLES:
            self._providers[kind] = lambda kind=kind: self._data(kind)  # type: ignore[misc]
        for kind, provide in PROVIDERS.items():
            self._providers[kind] = lambda provide=provide: provide(self, attempt)  # type: ignore[misc]
        self._locks = {kind: threading.RLock() for kind in self._providers}

    def get(self, kind: type) -> Provided:
        """Evidence of this type.

        Raises:
            Missing: the version has none.
            TypeError: there is no such kind of evidence.
        """
        if kind not in self._providers:
            raise TypeError(f"there is no evidence of the type {getattr(kind, '__name__', kind)}")
        with self._locks[kind]:
            if kind not in self._known:
                self._known[kind] = self._make(kind)
        known = self._known[kind]
        if isinstance(known, Exception):
            raise known
        if kind is Predictor:
            self._begin()
        return known

    def _make(self, kind: type) -> Provided | Exception:
        try:
            return self._providers[kind]()
        except Exception as error:  # noqa: BLE001 - kept, so that the next check hears the same at once
            return error

    def _begin(self) -> None:
        while self._ahead:
            threading.Thread(target=self._make_ahead, args=(self._ahead.pop(),), daemon=True).start()

    def _make_ahead(self, kind: type) -> None:
        with suppress(Exception):  # who asks for it hears of it
            self.get(kind)

    @property
    def masked(self) -> bool:
        """Whether what libraries say may hold values of columns declared personal or sensitive."""
        return masks(self._attempt)

    @property
    def _declared(self) -> Declaration:
        declared: Declaration = self.get(Declaration).value
        return declared

    def _data(self, kind: type[Data]) -> Provided:
        role = ROLES[kind]
        file = self._attempt.datasets.get(role)
        if file is None:
            raise Missing(f"a data set registered as {role}", f"name it in the manifest under data.{role}")
        return Provided(kind(data_frame(file, role), file.digest), {role: file.digest})

    def _predictor(self) -> Provided:
        artifact = self._attempt.subject.artifact
        if artifact is None:
            raise Missing(
                "a model that can predict: this version is registered as predictions only",
                "register the model itself as skops or ONNX",
            )
        return Provided(load(artifact, self._declared), {"artifact": artifact.digest})

    def _holdout_predictions(self) -> Provided:
        holdout = self.get(Holdout)
        if self._attempt.subject.artifact is None:
            predicted = predictions_in(holdout.value, self._declared)
            return Provided(predicted, holdout.inputs)
        predictor = self.get(Predictor)
        made: Predictions = predictor.value.predict(holdout.value.frame)
        return Provided(
            HoldoutPredictions(made.label, made.proba, made.classes), {**holdout.inputs, **predictor.inputs}
        )

    def _earlier_versions(self) -> Provided:
        earlier = self._attempt.earlier
        if not earlier:
            return Provided(EarlierVersions())
        try:
            holdout = self.get(Holdout)
        except Missing as missing:
            return Provided(EarlierVersions(skipped=tuple(f"{e.name}: {missing.what} is missing" for e in earlier)))
        rescored: dict[str, Rescored] = {}
        skipped: list[str] = []
        for subject in earlier:
            try:
                rescored[subject.name] = _rescore(subject, holdout.value)
            except Exception as error:  # noqa: BLE001 - an old version that fails is told, and stops nothing
                skipped.append(f"{subject.name}: {error or type(error).__name__}")
        counted = tuple(rescored[e.name] for e in earlier if e.rescored and e.name in rescored)
        incumbent = next((rescored.get(e.name) for e in earlier if e.incumbent), None)
        digests = {f"artifact of {e.name}": e.artifact.digest for e in earlier if e.artifact and e.name in rescored}
        return Provided(EarlierVersions(counted, incumbent, tuple(skipped)), {**holdout.inputs, **digests})


def _rescore(subject: EarlierSubject, holdout: Holdout) -> Rescored:
    if subject.artifact is None:
        raise Missing("registered as predictions only", "register the model itself")
    predictor = load(subject.artifact, declaration(subject))
    return Rescored(subject.name, predictor.predict(holdout.frame))
