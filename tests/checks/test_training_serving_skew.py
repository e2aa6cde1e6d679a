"""MON-3 on features that serving and training compute alike, and on one column that they do not."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from checks.contract import Missing, Verdict
from checks.evidence import Feature
from checks.monitoring.training_serving_skew import TrainingServingSkew
from checks.serving import ID, Recomputed, ServingLog
from tests.checks.planted import applications, declaration, features_of, judged, require_storable
from tests.checks.profiled import WINDOW, profiled

CHECK = TrainingServingSkew()
FRAME = applications(5000).assign(**{ID: [f"p{i}" for i in range(5000)]})
DECLARED = declaration(features=features_of(FRAME, "y", ID), sensitive=("sex",))


def log(frame):
    return ServingLog(WINDOW, frame, len(frame), "d" * 64)


def measured(logged, recomputed=FRAME, declared=DECLARED):
    measurement = CHECK.measure(declared, log(logged), Recomputed("r" * 64, None, recomputed))
    require_storable(measurement)
    return measurement


def verdict_on(logged, recomputed=FRAME, declared=DECLARED):
    return judged(CHECK, measured(logged, recomputed, declared))


def test_equal_features_pass_in_whatever_order_and_type_they_come():
    logged = FRAME.sample(frac=1, random_state=1).astype({"children": float, "region": "category"})
    judgement = verdict_on(logged)
    assert judgement.verdict is Verdict.PASS
    assert "5000 logged predictions equal their recomputed features in 6 columns" in judgement.reason


def test_rounding_in_serving_fails_and_names_the_column():
    measurement = measured(FRAME.assign(debt=FRAME["debt"].round(2)))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert "In 1 of 6 columns" in judgement.reason
    assert "skewed: debt " in judgement.reason
    cells = list(csv.DictReader(io.StringIO(measurement.exhibits[1].content.decode())))
    assert {cell["column"] for cell in cells} == {"debt"}
    assert cells[0]["prediction"] == "p0"


@pytest.mark.parametrize(
    ("cells", "verdict"), [(2, Verdict.PASS), (9, Verdict.PASS), (14, Verdict.FAIL), (500, Verdict.FAIL)]
)
def test_share_is_over_the_limit_when_its_interval_says_so(cells, verdict):
    logged = FRAME.copy()
    logged.loc[: cells - 1, "income"] += 1.0
    judgement = verdict_on(logged)
    assert judgement.verdict is verdict
    assert f"income {'with ' if verdict is Verdict.PASS else ''}{cells} of 5000" in judgement.reason


def test_tolerance_is_relative_to_the_value_and_to_the_column():
    assert verdict_on(FRAME.assign(income=FRAME["income"] * (1 + 9e-7))).verdict is Verdict.PASS
    assert verdict_on(FRAME.assign(income=FRAME["income"] * (1 + 2e-6))).verdict is Verdict.FAIL
    zeros = FRAME.assign(noise=np.where(FRAME.index < 4000, 0.0, FRAME["noise"]))
    assert verdict_on(zeros.assign(noise=zeros["noise"] + 1e-12), zeros).verdict is Verdict.PASS
    assert verdict_on(zeros.assign(noise=zeros["noise"] + 1e-8), zeros).verdict is Verdict.FAIL


@pytest.mark.parametrize("column", ["debt", "region"])
def test_missing_beside_a_value_is_a_mismatch_and_missing_on_both_sides_is_none(column):
    gone = FRAME.assign(**{column: FRAME[column].where(FRAME.index >= 50)})
    for logged, recomputed in ((gone, FRAME), (FRAME, gone)):
        assert f"{column} 50 of 5000" in verdict_on(logged, recomputed).reason
    assert verdict_on(gone, gone).verdict is Verdict.PASS


def test_categories_are_compared_exactly():
    logged = FRAME.assign(region=FRAME["region"].str.capitalize())
    assert "region 5000 of 5000" in verdict_on(logged).reason


def test_too_few_joined_rows_are_inconclusive_until_the_threshold_allows_them():
    few = measured(FRAME, FRAME.head(200))
    judgement = judged(CHECK, few)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "200 logged predictions are joined with recomputed features by id; 500 are needed" in judgement.reason
    assert judged(CHECK, few, min_rows=200).verdict is Verdict.PASS
    assert judged(CHECK, measured(FRAME, FRAME.head(500))).verdict is Verdict.PASS
    others = FRAME.assign(**{ID: [f"q{i}" for i in range(5000)]})
    assert "0 logged predictions are joined" in verdict_on(FRAME, others).reason


def test_feature_that_was_not_recomputed_leaves_it_open_and_hides_no_other():
    without = FRAME.drop(columns="debt")
    judgement = verdict_on(FRAME, without)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "Not recomputed: debt." in judgement.reason
    assert verdict_on(FRAME.assign(income=FRAME["income"] + 1), without).verdict is Verdict.FAIL


def test_last_of_several_rows_with_one_id_counts():
    corrected = pd.concat([FRAME.assign(debt=-1.0), FRAME])
    assert verdict_on(FRAME, corrected).verdict is Verdict.PASS


def test_values_of_sensitive_columns_are_masked():
    measurement = measured(FRAME.assign(sex="secret"))
    assert b"secret" not in measurement.exhibits[1].content


def without_ids(serving, declared=DECLARED):
    declared = replace(declared, features=tuple(Feature(f.name, f.type) for f in declared.features))
    profiles = profiled(declared, applications(5000, seed=9), serving)
    measurement = CHECK.measure(declared, log(serving), None, profiles)
    require_storable(measurement)
    return measurement


def test_distributions_alone_prove_skew_but_never_its_absence():
    nothing = judged(CHECK, without_ids(FRAME))
    assert nothing.verdict is Verdict.INCONCLUSIVE
    assert "weaker form" in nothing.reason
    found = judged(CHECK, without_ids(FRAME.assign(income=FRAME["income"] / 12)))
    assert found.verdict is Verdict.FAIL
    assert "weaker form" in found.reason
    assert "income, Wasserstein distance" in found.reason
    few = judged(CHECK, without_ids(FRAME.head(300).assign(income=0.0)))
    assert few.verdict is Verdict.INCONCLUSIVE
    assert "300 rows in the window" in few.reason


def test_neither_recomputed_features_nor_a_reference_is_missing_evidence():
    with pytest.raises(Missing, match="features computed anew"):
        CHECK.measure(DECLARED, log(FRAME))
