"""MON-2 on windows that are like the reference, and on windows with one column gone wrong."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checks.contract import Exhibit, Verdict
from checks.evidence import Feature
from checks.monitoring.data_invariants import DataInvariants
from checks.serving import DriftReport
from tests.checks.planted import applications, declaration, features_of, fitted, holdout, judged, require_storable
from tests.checks.profiled import counted, profiled

CHECK = DataInvariants()
BEFORE = applications(6000, seed=1)
NOW = applications(2000, seed=2)
LOOSE = tuple(
    Feature(one.name, one.type, categories=one.categories, nullable=None) for one in features_of(BEFORE, "y")
)
DECLARED = declaration(features=LOOSE)


def measured(serving, declared=DECLARED, reference=BEFORE, **evidence):
    measurement = CHECK.measure(declared, profiled(declared, reference, serving), **evidence)
    require_storable(measurement)
    return measurement


def verdict_on(serving, declared=DECLARED, reference=BEFORE, **evidence):
    return judged(CHECK, measured(serving, declared, reference, **evidence))


def test_rows_drawn_from_the_same_distribution_pass():
    measurement = measured(NOW)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert "All 6 columns keep to the schema in 2000 rows in production" in judgement.reason
    table = list(csv.DictReader(io.StringIO(measurement.exhibits[0].content.decode())))
    assert [row["column"] for row in table] == [one.name for one in LOOSE]


@pytest.mark.parametrize("factor", [100, 0.01])
def test_change_of_unit_fails_and_names_the_column(factor):
    judgement = verdict_on(NOW.assign(income=NOW["income"] * factor))
    assert judgement.verdict is Verdict.FAIL
    assert "income drifts, Wasserstein distance" in judgement.reason
    assert not any(name in judgement.reason for name in ("debt", "children", "region", "noise"))


def test_change_of_unit_is_seen_behind_an_outlier_and_on_the_smallest_scale():
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"hidden": rng.normal(1, 0.1, 3000), "tiny": rng.normal(1e-7, 1e-8, 3000)})
    before.loc[0, "hidden"] = 1e12
    declared = declaration(features=(Feature("hidden", "number"), Feature("tiny", "number")))
    same = verdict_on(before.sample(2000, random_state=1), declared, before)
    assert same.verdict is Verdict.PASS
    judgement = verdict_on(before.iloc[1:] * 100, declared, before)
    assert "hidden drifts, Jensen-Shannon" in judgement.reason
    assert "tiny drifts, Wasserstein" in judgement.reason


HUNDRED = pd.DataFrame(np.random.default_rng(5).normal(size=(4000, 100)), columns=[f"x{i}" for i in range(100)])


@pytest.mark.parametrize(
    ("value", "state"), [(0.0, "one value in every row"), (np.nan, "nothing but missing cells")]
)
def test_dead_column_among_a_hundred_is_not_averaged_away(value, state):
    before, now = HUNDRED.iloc[:3000], HUNDRED.iloc[3000:].assign(x77=value)
    declared = declaration(features=tuple(Feature(name, "number") for name in HUNDRED))
    judgement = verdict_on(now, declared, before)
    assert judgement.verdict is Verdict.FAIL
    assert f"Of 100 columns in 1000 rows in production: x77 is dead ({state})" in judgement.reason
    assert judgement.reason.count("dead") == 1
    assert "drifts" not in judgement.reason
    clean = verdict_on(HUNDRED.iloc[3000:], declared, before)
    assert clean.verdict is Verdict.PASS


@pytest.mark.parametrize(("cells", "verdict"), [(0, Verdict.PASS), (4, Verdict.PASS), (40, Verdict.FAIL)])
def test_new_category_breaks_the_schema_once_it_is_credible(cells, verdict):
    now = NOW.copy()
    now.loc[: cells - 1, "region"] = "atlantis"
    judgement = verdict_on(now)
    assert judgement.verdict is verdict
    assert (f"region breaks the schema in {cells} of 2000 cells (unknown {cells})" in judgement.reason) == (
        verdict is Verdict.FAIL
    )


def test_new_category_of_an_undeclared_list_is_drift():
    declared = declaration(features=(Feature("region", "category"),))
    now = NOW.assign(region=NOW["region"].where(NOW["region"] != "north", "atlantis"))
    assert "region drifts, Jensen-Shannon distance" in verdict_on(now, declared).reason


@pytest.mark.parametrize(
    ("feature", "values", "fault"),
    [
        (Feature("debt", "number", max=1), 1.5, "above"),
        (Feature("debt", "number", min=0), -1.0, "below"),
        (Feature("debt", "number", nullable=False), None, "null"),
        (Feature("debt", "number"), np.inf, "unreadable"),
        (Feature("children", "integer"), 1.5, "unreadable"),
    ],
)
def test_cells_that_break_the_schema_fail_by_name_and_kind(feature, values, fault):
    now = NOW.astype({feature.name: float})
    now.loc[:39, feature.name] = values
    judgement = verdict_on(now, declaration(features=(feature,)))
    assert judgement.verdict is Verdict.FAIL
    assert f"{feature.name} breaks the schema in 40 of 2000 cells ({fault} 40)" in judgement.reason


def test_numbers_logged_as_text_cannot_be_read():
    judgement = verdict_on(NOW.assign(income=NOW["income"].astype(str)))
    assert "income breaks the schema in 2000 of 2000 cells (unreadable 2000)" in judgement.reason


def test_more_missing_cells_where_they_are_allowed_are_drift():
    before = BEFORE.assign(debt=BEFORE["debt"].where(BEFORE.index % 10 > 0))
    now = NOW.assign(debt=NOW["debt"].where(NOW.index % 10 > 0))
    assert verdict_on(now, reference=before).verdict is Verdict.PASS
    judgement = verdict_on(NOW.assign(debt=NOW["debt"].where(NOW.index % 10 > 1)), reference=before)
    assert judgement.verdict is Verdict.FAIL
    assert "debt drifts, missing cells changed by 10.0 points" in judgement.reason


TRAINED = applications(4000, seed=3)
NUMBERS = declaration(features=tuple(Feature(n, "number") for n in ("income", "debt", "noise")))
MODEL = fitted(make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS, TRAINED)


def test_importance_says_what_fails_and_what_warns():
    shifted = {name: NOW[name] + 0.3 * NOW[name].std() for name in ("income", "noise")}
    evidence = {"holdout": holdout(applications(4000, seed=4)), "predictor": MODEL}
    warned = verdict_on(NOW.assign(noise=shifted["noise"]), NUMBERS, **evidence)
    assert warned.verdict is Verdict.PASS
    assert "Drifting, but without use to the model: noise drifts" in warned.reason
    failed = verdict_on(NOW.assign(**shifted), NUMBERS, **evidence)
    assert failed.verdict is Verdict.FAIL
    assert "production: income drifts" in failed.reason
    assert "without use to the model: noise drifts" in failed.reason
    unknown = verdict_on(NOW.assign(noise=shifted["noise"]), NUMBERS)
    assert unknown.verdict is Verdict.FAIL
    dead = verdict_on(NOW.assign(noise=0.0), NUMBERS, **evidence)
    assert "noise is dead" in dead.reason
    assert dead.verdict is Verdict.FAIL


def test_too_few_rows_are_inconclusive_until_the_threshold_allows_them():
    few = measured(NOW.head(499))
    judgement = judged(CHECK, few)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "The window has 499 rows; 500 are needed." in judgement.reason
    assert judged(CHECK, few, min_rows=499).verdict is Verdict.PASS
    assert judged(CHECK, measured(NOW.head(500))).verdict is Verdict.PASS
    judgement = verdict_on(NOW, reference=BEFORE.head(100))
    assert "The training data has 100 rows; 500 are needed." in judgement.reason


def test_few_rows_are_enough_to_break_the_schema_but_not_to_drift():
    cents = NOW.head(40).assign(income=NOW["income"] * 100)
    bounded = declaration(features=tuple(replace(one, max=10 * BEFORE["income"].max()) for one in LOOSE[:1]))
    assert [one.name for one in bounded.features] == ["income"]
    judgement = verdict_on(cents, bounded)
    assert judgement.verdict is Verdict.FAIL
    assert "income breaks the schema in 40 of 40 cells (above 40)" in judgement.reason
    assert "Drift was not looked for: the window has 40 rows; 500 are needed." in judgement.reason
    assert verdict_on(cents).verdict is Verdict.INCONCLUSIVE


def test_column_that_is_not_logged_fails_and_one_without_reference_is_not_compared():
    judgement = verdict_on(NOW.head(20).drop(columns="debt"))
    assert judgement.verdict is Verdict.FAIL
    assert "The logged inputs lack debt." in judgement.reason
    judgement = verdict_on(NOW, reference=BEFORE.drop(columns="debt"))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "Not in the training data, so not compared: debt." in judgement.reason


def test_negligible_effect_passes_however_many_rows_prove_it():
    season = 0.03 * np.sin(np.arange(200_000) / 5000)
    before = pd.DataFrame({"x": np.random.default_rng(1).normal(0, 1, 200_000)})
    now = pd.DataFrame({"x": np.random.default_rng(2).normal(0, 1, 200_000) + season + 0.03})
    measurement = measured(now, declaration(features=(Feature("x", "number"),)), before)
    (column,) = measurement.values["columns"]  # noqa: PD011 - no frame
    assert column["p_value"] < 1e-6
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_wasserstein=0.01).verdict is Verdict.FAIL


def test_times_and_texts_are_not_said_to_drift_because_they_are_new():
    def frame(start):
        return pd.DataFrame(
            {
                "at": pd.date_range(start, periods=600, freq="h", tz="UTC"),
                "note": [f"{start} {i}" for i in range(600)],
            }
        )

    declared = declaration(features=(Feature("at", "datetime"), Feature("note", "text", nullable=False)))
    judgement = verdict_on(frame("2026-01-01"), declared, frame("2025-01-01"))
    assert judgement.verdict is Verdict.PASS
    gone = frame("2026-01-01").assign(note=None)
    assert "note breaks the schema" in verdict_on(gone, declared, frame("2025-01-01")).reason


def test_report_of_the_library_is_kept_beside_our_table():
    report = DriftReport(Exhibit("drift.html", "text/html", b"<html>"), "evidently 0.7", 10, "rows", {})
    assert measured(NOW, report=report).exhibits[1] is report.exhibit


def test_same_window_measures_the_same():
    assert measured(NOW) == measured(NOW)


@pytest.mark.parametrize("rows", [500, 2000])
def test_clean_windows_raise_no_false_alarm(rows):
    """A hundred seeded windows at each size, drawn anew from the reference's distribution."""
    alarms = 0
    for seed in range(100):
        window = counted(DECLARED, BEFORE, applications(rows, seed=1000 + seed))
        alarms += judged(CHECK, CHECK.measure(DECLARED, window)).verdict is not Verdict.PASS
    assert alarms <= 5
