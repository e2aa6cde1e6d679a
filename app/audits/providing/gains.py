"""What features are worth to the model: measured once for all checks that ask."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.evidence import Declaration, Holdout, Predictor
from checks.methods.importance import FeatureGains, feature_gains


def _gains(source: Source, _attempt: Attempt) -> Provided:
    holdout, predictor = source.get(Holdout), source.get(Predictor)
    found = feature_gains(source.get(Declaration).value, holdout.value, predictor.value)
    return Provided(found, {**holdout.inputs, **predictor.inputs})


PROVIDERS: Providers = {FeatureGains: _gains}
