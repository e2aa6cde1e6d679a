"""What experiment and pipeline tools recorded, as CI collected it."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from app.evidence.trials import TrialsForm
from checks.experiments import Parameter, Trial, Trials


def _trials(_source: Source, attempt: Attempt) -> Provided:
    form: TrialsForm
    form, file = newest(attempt, "trials", "the trials of a search", "assay evidence collect mlflow or optuna")
    value = Trials(
        digest=file.digest,
        cap=file.cap,
        tool=form.source.tool,
        study=form.source.name,
        metric=form.metric,
        direction=form.direction,
        parameters=tuple(Parameter(**one.model_dump()) for one in form.parameters),
        trials=tuple(Trial(**one.model_dump()) for one in form.trials),
        chosen=form.chosen,
    )
    return Provided(value, {"trials": file.digest}, file.cap)


PROVIDERS: Providers = {Trials: _trials}
