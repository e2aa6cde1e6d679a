"""The same model on two sets of labelled rows: what it lost from one to the other, where, and how fast."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from checks.contract import CONFIDENCE, SEED, Exhibit, Missing
from checks.evidence import Declaration, OrganisationPolicy, Task
from checks.methods.metrics import percentile_interval
from checks.methods.resampling import resampled
from checks.methods.served import Answers
from checks.methods.slices import slice_mask, slices_of
from checks.serving import AT, Window

if TYPE_CHECKING:
    import numpy as np

SIGMAS = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
PARTS = 6
FEWEST_PARTS = 4
WEEK_SECONDS = 7 * 24 * 3600


def compared(name: str, declared: Declaration, reference: Answers, served: Answers) -> dict[str, Any]:
    """Metric and calibration bias of ``served`` beside those of ``reference``, JSON-ready.

    ``loss``: how much better the reference is, with the 95 % interval of two independent bootstraps. ``biases``:
    one an outcome, ``error`` being the standard error of the change from the reference (never below its own).
    """
    import numpy as np

    assert reference.truth is not None  # noqa: S101 - both are labelled
    assert served.truth is not None  # noqa: S101
    before = resampled(declared, reference.truth, reference.predicted)
    now = resampled(declared, served.truth, served.predicted)
    number = min(len(before.draws), len(now.draws))
    shuffled = np.random.default_rng(SEED).permutation(before.draws)[:number]  # the draws share a seed
    drawn = shuffled - now.draws[:number]
    return {
        "name": name,
        "metric": declared.metric,
        "rows": len(served),
        "reference_rows": len(reference),
        "quality": now.estimate,
        "reference": before.estimate,
        "loss": percentile_interval(before.estimate - now.estimate, drawn).as_dict(),
        "loss_error": float(np.nanstd(drawn, ddof=1)),
        "biases": _biases(declared, reference, served),
    }


def _biases(declared: Declaration, reference: Answers, served: Answers) -> list[dict[str, Any]]:
    found = []
    for of, before, now in zip(
        _outcomes(declared, served),
        _excesses(declared, reference, None),
        _excesses(declared, served, reference),
        strict=True,
    ):
        variance = float(before.var(ddof=1)) / len(before) + float(now.var(ddof=1)) / len(now)
        row = {"of": of, "bias": float(now.mean()), "reference": float(before.mean()), "error": sqrt(variance)}
        found.append(row)
    return found


def _outcomes(declared: Declaration, rows: Answers) -> list[str]:
    """What is predicted: "" where it is one thing."""
    return [str(one) for one in rows.predicted.classes] if declared.task is Task.MULTICLASS else [""]


def _excesses(declared: Declaration, rows: Answers, reference: Answers | None) -> list[np.ndarray]:
    """(n,) prediction less label for each outcome; a regression's in sd of the reference's labels."""
    import numpy as np

    truth, label, proba = rows.truth, rows.predicted.label, rows.predicted.proba
    assert truth is not None  # noqa: S101 - both are labelled
    if declared.task is Task.REGRESSION:
        spread = float(np.std(truth if reference is None or reference.truth is None else reference.truth))
        if spread == 0:
            raise Missing("labels that differ in the test data", "register test data with several values")
        return [(label - truth) / spread]
    classes = rows.predicted.classes if declared.task is Task.MULTICLASS else (declared.positive,)

    def expected(one: Any) -> np.ndarray:
        if proba is None:
            return np.asarray(label == one, dtype=float)
        column: np.ndarray = proba[:, rows.predicted.classes.index(one)]
        return column

    return [expected(one) - (truth == one) for one in classes]


def slices_compared(
    declared: Declaration, policy: OrganisationPolicy | None, reference: Answers, served: Answers, least: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Each slice with ``least`` labelled rows on both sides, and its ``family``; which were left out, and why."""
    found, skipped = [], []
    for family, one in slices_of(declared, policy):
        try:
            before = reference.take(slice_mask(one.where, reference.frame))
            now = served.take(slice_mask(one.where, served.frame))
            if min(len(before), len(now)) < least:
                skipped.append(f"{one.name}: {len(now)} labelled rows, {len(before)} in the test data")
                continue
            found.append({**compared(one.name, declared, before, now), "family": family})
        except (Missing, ValueError) as problem:
            skipped.append(f"{one.name}: {problem}")
    return found, skipped


def trend_of(declared: Declaration, served: Answers, window: Window, least: int) -> dict[str, Any] | None:
    """The line through the quality of the window's parts, weighted by their precision; None with too few of them.

    ``fall``: what it loses from the first part's middle to the last's; ``fall_low``: its one-sided 95 % bound.
    """
    import numpy as np

    seconds = (served.frame[AT] - window.start).dt.total_seconds().to_numpy()
    length = min((window.end - window.start).total_seconds() / PARTS, WEEK_SECONDS)
    parts = []
    for number in range(int(np.ceil((window.end - window.start).total_seconds() / length))):
        rows = served.take((seconds >= number * length) & (seconds < (number + 1) * length))
        if len(rows) < least or rows.truth is None:
            continue
        try:
            score = resampled(declared, rows.truth, rows.predicted, 200)
        except Missing:
            continue
        error = score.standard_error()
        if np.isfinite(score.estimate) and error > 0:
            parts.append({"part": number, "rows": len(rows), "quality": score.estimate, "error": error})
    if len(parts) < FEWEST_PARTS:
        return None
    at, value = (np.array([part[key] for part in parts], dtype=float) for key in ("part", "quality"))
    weight = np.array([part["error"] ** -2 for part in parts])
    centred = at - np.average(at, weights=weight)
    slope = float((weight * centred * value).sum() / (weight * centred**2).sum())
    error = float((weight * centred**2).sum() ** -0.5)
    span = float(at.max() - at.min())
    fall, bound = -slope * span, (-slope - NormalDist().inv_cdf(CONFIDENCE) * error) * span
    return {"parts": parts, "fall": fall, "fall_low": bound}


def table_of(measured: dict[str, Any]) -> Exhibit:
    """All comparisons, a line each."""
    header = ("rows of", "rows", "in the test data", "metric", "reference", "served", "loss", "low", "high", "bias")
    lines = [
        (
            one["name"],
            one["rows"],
            one["reference_rows"],
            one["metric"],
            one["reference"],
            one["quality"],
            *one["loss"].values(),
            "; ".join(f"{bias['of']} {bias['bias']:+.4f}".strip() for bias in one["biases"]),
        )
        for one in ([measured["overall"]] if measured["overall"] else []) + measured["slices"]
    ]
    return Exhibit.table("prediction-quality.csv", header, lines)
