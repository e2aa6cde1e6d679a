"""MON-5: not-a-number and infinity on the way through the model, and what small noise in its inputs does."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, ClassVar

from checks.contract import CONFIDENCE, SEED, Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration, Holdout, HoldoutPredictions, Predictions, Predictor, TrainingMetrics
from checks.methods.finite import is_inf, is_nan, non_finite_inputs
from checks.methods.metrics import chance_of_at_least
from checks.methods.noise import MOVES_KEPT, NOISE, disturb

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_ROWS = 10_000
CASES_SHOWN = 20


class NumericalStability(Check):
    """Models are numerically stable.

    Asked: invalid or implausible numbers, not-a-number and infinity, are noticed wherever they turn up, because
    they can enter a model without any error and spoil it.

    Measured: rows of the test data with NaN or infinity in the predicted label or probabilities; rows whose
    preprocessed inputs hold infinity, or NaN although the row itself has no missing value (many models take
    missing values as they are); values that are NaN or infinite in the metrics logged while training. Then small
    noise: to every feature of type ``number`` a normal deviate of 0.000001 of its standard deviation is added
    (seeded, at most 10,000 rows), and each row's prediction is compared with the one without. A move is the
    greatest change of a class probability; 1 for a changed label where there are no probabilities; for
    regression the change in standard deviations of the label.

    Formula: NaN and infinity are counted completely and each is one too many (``max_non_finite``). A row breaks
    its bound when it moves by more than ``max_move``. Values that lie exactly on the split of a tree change
    sides at a touch, which is harmless as long as no single split decides: on rounded data forests and boosted
    trees moved by more than 0.01 in up to half of the rows, but by more than 0.25 in 0.05 % at most; single
    unpruned trees did in 0.3 to 3 %. The test fails when the exact lower 95 % bound (Clopper and Pearson 1934)
    of the share of rows beyond their bound exceeds ``max_moved_share``. Below ``min_rows`` rows, or without the
    model itself, it is inconclusive.

    Source: Breck et al. 2017, section V, test Monitor 5. Noise, bound and share are Assay's interpretation.

    Evidence: the data set ``test`` and the model's artifact; predictions only can fail this test, not pass it.
    Metrics of the training run (evidence of kind ``training-metrics``) where there are any.

    Fix: for NaN and infinity look at divisions, logarithms and empty groups in the preprocessing, then at the
    rows listed. For moves, scale the inputs, regularise, prune or average, and round off features whose last
    digits mean nothing.
    """

    id = "MON-5"
    thresholds: ClassVar[Thresholds] = {
        "max_non_finite": 0,
        "max_move": 0.25,
        "max_moved_share": 0.001,
        "min_rows": 100,
    }

    def measure(
        self,
        declared: Declaration,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        predictor: Predictor | None = None,
        training: TrainingMetrics | None = None,
    ) -> Measurement:
        frame, noise = holdout.frame, None
        found = {"predictions": _non_finite(predicted).nonzero()[0]}
        if predictor is not None:
            inputs = non_finite_inputs(declared, predictor, frame)
            if inputs is not None:
                found["preprocessed inputs"] = inputs.nonzero()[0]
            rows = _sampled(frame)
            noise = disturb(declared, predictor, frame.iloc[rows])
            found["predictions under noise"] = rows[_non_finite(noise.after)]
        values = {
            "rows": len(frame),
            "non_finite": {where: len(rows) for where, rows in found.items()},
            "training": _non_finite_steps(training),
            "noise": noise and noise.summary(),
        }
        cases = [(where, row) for where, rows in found.items() for row in rows[:CASES_SHOWN].tolist()]
        return Measurement(values, (Exhibit.table("non-finite-rows.csv", ("where", "row"), cases),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, noise = measured["rows"], measured["noise"]
        counted = {f"rows of {where}": count for where, count in measured["non_finite"].items()}
        counted |= {f"steps of the training metric {name}": n for name, n in (measured["training"] or {}).items()}
        if sum(counted.values()) > thresholds["max_non_finite"]:
            told = ", ".join(f"{count} {where}" for where, count in sorted(counted.items()) if count)
            return Judgement(Verdict.FAIL, f"NaN or infinity in {told}.", "Find the operation that makes them.")
        if noise is None:
            reason = f"No NaN or infinity in {rows} predictions, but without the model noise cannot be tried on it."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register the model's artifact (skops or ONNX).")
        if rows < thresholds["min_rows"]:
            reason = f"The test data has {rows} rows; {thresholds['min_rows']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        moved, bound = sum(move > thresholds["max_move"] for move in noise["greatest"]), thresholds["max_move"]
        number = f"at least {moved}" if moved == MOVES_KEPT else f"{moved}"
        told = f"{number} of {noise['rows']} predictions by more than {bound:g} {noise['unit']}"
        share = thresholds["max_moved_share"]
        if chance_of_at_least(moved, noise["rows"], share) <= 1 - CONFIDENCE:
            reason = f"Noise of {NOISE:g} standard deviations moves {told}, credibly more than {share * 100:g} %."
            return Judgement(Verdict.FAIL, reason, "Scale the inputs, regularise, or average several models.")
        return Judgement(Verdict.PASS, _all_clear(measured, told))


def _sampled(frame: pd.DataFrame) -> np.ndarray:
    """The positions of the rows that noise is tried on."""
    import numpy as np

    if len(frame) <= MOST_ROWS:
        return np.arange(len(frame))
    return np.sort(np.random.default_rng(SEED).choice(len(frame), MOST_ROWS, replace=False))


def _non_finite(predicted: Predictions) -> np.ndarray:
    """(n,) whether the label is null or infinite, or one of the probabilities is."""
    import numpy as np

    outputs = predicted.label[:, None]
    faulty = is_nan(outputs) | is_inf(outputs)
    if predicted.proba is not None:
        faulty = np.hstack([faulty, is_nan(predicted.proba) | is_inf(predicted.proba)])
    return np.asarray(faulty.any(axis=1))


def _non_finite_steps(training: TrainingMetrics | None) -> dict[str, int] | None:
    if training is None:
        return None
    return {name: sum(not isfinite(value) for value in values) for name, values in training.series.items()}


def _all_clear(measured: Measured, told: str) -> str:
    looked_at = [
        *sorted(measured["non_finite"]),
        *(["training metrics"] if measured["training"] is not None else []),
    ]
    unseen = [where for where in ("preprocessed inputs", "training metrics") if where not in looked_at]
    noise = measured["noise"]
    parts = [f"No NaN or infinity in {measured['rows']} rows ({', '.join(looked_at)})."]
    if noise["columns"]:
        parts.append(f"Noise in {len(noise['columns'])} features moves {told}.")
    else:
        parts.append("No feature is a number with decimals, so there is nothing to disturb.")
    return " ".join([*parts, f"Not looked at: {', '.join(unseen)}."] if unseen else parts)
