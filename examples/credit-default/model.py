"""The model's specification: which columns go in, how they are prepared, what learns from them."""

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from generate import CHANNELS, HOUSINGS, PURPOSES, REGIONS, TYPICAL_INCOME

LABEL = "defaulted"
NUMBERS = [
    "income",
    "amount",
    "term_months",
    "debt_ratio",
    "utilisation",
    "months_at_job",
    "account_months",
    "late_payments_12m",
    "inquiries_6m",
]
CATEGORIES = {
    "employment": list(TYPICAL_INCOME),
    "housing": list(HOUSINGS),
    "purpose": list(PURPOSES),
    "channel": list(CHANNELS),
    "region": list(REGIONS),
}
FEATURES = [*NUMBERS, *CATEGORIES]
TUNABLES: dict[str, Any] = {
    "learning_rate": 0.06,
    "max_iter": 400,
    "max_leaf_nodes": 12,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
}


def build(**tunables: Any) -> Pipeline:
    """Boosted trees over codes; missing and unknown values go their own way at each split.

    Early stopping keeps a tenth of the training data aside, so training tells its loss there, too.
    """
    codes = OrdinalEncoder(
        categories=list(CATEGORIES.values()), handle_unknown="use_encoded_value", unknown_value=np.nan
    )
    prepare = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("categories", codes, list(CATEGORIES))])
    learner = HistGradientBoostingClassifier(early_stopping=True, random_state=28, **(TUNABLES | tunables))
    return Pipeline([("prepare", prepare), ("learn", learner)])
