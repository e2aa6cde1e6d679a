"""DATA-1 on batches that keep to their schema and on batches that break it in one way."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from checks.contract import Missing, Verdict
from checks.data.feature_schema import CASES_SHOWN, MASK, FeatureSchema
from checks.evidence import Feature
from checks.methods.schema import faults
from tests.checks.planted import (
    applications,
    declaration,
    diabetes,
    features_of,
    judged,
    require_storable,
    training,
    tumours,
)

CHECK = FeatureSchema()
FRAME = applications()
DECLARED = declaration(features=features_of(FRAME, "y"))


def measured(frame, declared=DECLARED):
    measurement = CHECK.measure(declared, training(frame))
    require_storable(measurement)
    return measurement


def broken(column, rows, value):
    frame = FRAME.astype({column: object})
    frame.loc[: rows - 1, column] = value
    return frame.infer_objects()


def cases(measurement):
    (table,) = measurement.exhibits
    return list(csv.DictReader(io.StringIO(table.content.decode())))


@pytest.mark.parametrize("frame", [FRAME, tumours(), diabetes()], ids=["applications", "tumours", "diabetes"])
def test_real_batch_keeps_to_the_schema_learnt_from_it(frame):
    measurement = measured(frame, declaration(features=features_of(frame, "y")))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert f"in {len(frame)} rows 0 cells fail" in judgement.reason
    assert cases(measurement) == []


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("income", 10_000_000.0, "above max"),
        ("debt", -1.0, "below min"),
        ("debt", float("inf"), "type"),
        ("income", "50000", "type"),
        ("income", None, "null"),
        ("children", 1.5, "type"),
        ("region", "atlantis", "category"),
        ("region", None, "null"),
    ],
)
def test_one_broken_column_fails_by_name_and_kind(column, value, fault):
    measurement = measured(broken(column, 30, value))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert f"{column} 30 of 2000 ({fault} 30)" in judgement.reason
    assert "In 1 of 6 columns" in judgement.reason
    assert judgement.remedy
    assert {case["column"] for case in cases(measurement)} == {column}


def test_dead_column_among_a_hundred_is_not_averaged_away():
    frame = pd.DataFrame({f"x{i}": np.arange(1000.0) for i in range(100)})
    declared = declaration(features=features_of(frame))
    frame.loc[:4, "x77"] = -1.0
    judgement = judged(CHECK, measured(frame, declared))
    assert judgement.verdict is Verdict.FAIL
    assert "In 1 of 100 columns more than 0.1 % of cells fail: x77 5 of 1000" in judgement.reason


def test_share_at_the_limit_passes_and_one_cell_more_fails():
    at_limit, beyond = measured(broken("debt", 2, -1.0)), measured(broken("debt", 3, -1.0))
    assert judged(CHECK, at_limit).verdict is Verdict.PASS
    assert judged(CHECK, beyond).verdict is Verdict.FAIL
    assert judged(CHECK, beyond, max_failing_cells=0.0015).verdict is Verdict.PASS
    assert judged(CHECK, at_limit, max_failing_cells=0.0009).verdict is Verdict.FAIL


def test_too_few_rows_are_inconclusive_until_the_threshold_allows_them():
    measurement = measured(FRAME.head(99))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 rows; 100 are needed" in judgement.reason
    assert judged(CHECK, measurement, min_rows=99).verdict is Verdict.PASS
    assert judged(CHECK, measured(FRAME.head(100))).verdict is Verdict.PASS
    assert judged(CHECK, measured(FRAME.head(0)), min_rows=1).verdict is Verdict.INCONCLUSIVE


def test_column_that_is_not_there_fails_however_few_rows_there_are():
    judgement = judged(CHECK, measured(FRAME.head(10).drop(columns="debt")))
    assert judgement.verdict is Verdict.FAIL
    assert "lacks the column debt" in judgement.reason


def test_feature_without_any_expectation_fails():
    bare = declaration(features=(*DECLARED.features[:1], Feature("debt", "")))
    judgement = judged(CHECK, measured(FRAME, bare))
    assert judgement.verdict is Verdict.FAIL
    assert "no expectation is declared for debt" in judgement.reason
    assert judged(CHECK, measured(FRAME, declaration(features=()))).verdict is Verdict.FAIL


def test_features_with_a_type_only_are_counted():
    judgement = judged(CHECK, measured(FRAME, declaration(features=(Feature("debt", "number"),))))
    assert judgement.verdict is Verdict.PASS
    assert "no more than a type: 1." in judgement.reason


def test_version_without_a_schema_misses_it():
    with pytest.raises(Missing, match="a feature schema"):
        CHECK.measure(replace(DECLARED, schema_declared=False), training(FRAME))


@pytest.mark.parametrize(
    ("value", "rows", "shown"),
    [
        ("Zoë-7 Roe", 19, "aaa-9 aaa"),
        ("Zoë-7 Roe", 20, "'Zoë-7 Roe'"),
        (4539148803436467, 19, "9999999999999999"),
        (-99_999_999, 1, "-99999999"),
        (float("inf"), 1, "inf"),
    ],
)
def test_of_what_may_name_somebody_the_shape_is_shown_alone(value, rows, shown):
    column = "region" if isinstance(value, str) else "debt"
    frame = FRAME.astype({column: object})
    frame.loc[: rows - 1, column] = value
    assert {case["value"] for case in cases(measured(frame)) if case["column"] == column} == {shown}


@pytest.mark.parametrize(
    "declared",
    [
        replace(DECLARED, sensitive=("sex",)),
        replace(DECLARED, personal=("sex",)),
        replace(DECLARED, withheld=("sex",)),
    ],
    ids=["by the manifest", "as personal", "by the organisation"],
)
def test_values_of_sensitive_columns_are_masked(declared):
    frame = broken("sex", 30, "a secret")
    frame.loc[:29, "region"] = "told"
    shown = cases(measured(frame, declared))
    assert {case["value"] for case in shown if case["column"] == "sex"} == {MASK}
    assert {case["value"] for case in shown if case["column"] == "region"} == {"'told'"}
    assert "secret" not in str(measured(frame, declared))


def test_first_failure_cases_of_a_column_are_shown_by_row():
    frame = FRAME.copy()
    frame.loc[5:, "debt"] = 7.0
    frame.loc[7, "debt"] = None
    shown = cases(measured(frame))
    assert [int(case["row"]) for case in shown] == list(range(5, 5 + CASES_SHOWN))
    assert [case["fault"] for case in shown[:3]] == ["above max", "above max", "null"]
    assert shown[0]["value"] == "7.0"


def test_same_batch_measures_the_same():
    frame = broken("debt", 30, -1.0)
    assert measured(frame) == measured(frame)


WHOLE = [1, 2.0, None]
UTC = "2024-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("kind", "values", "wrong"),
    [
        ("number", [1, 2.5, Decimal("1.5")], []),
        ("number", [1, True, "1", np.inf, np.nan], [1, 2, 3]),
        ("integer", WHOLE, []),
        ("integer", [1.5, "1", np.nan], [0, 1]),
        ("boolean", [True, False, None, 0, 1.0, np.True_], []),
        ("boolean", [2, "true", True], [0, 1]),
        ("text", ["a", 1, None], [1]),
        ("datetime", [UTC, "2024-01-31", date(2024, 1, 31), pd.Timestamp(UTC), None], []),
        ("datetime", [UTC, 20240131, "31 January", 5.0], [1, 2, 3]),
        ("category", ["a", 1, True], []),
        ("nonsense", ["a", 1], []),
    ],
)
def test_type_of_cells(kind, values, wrong):
    found = faults(Feature("x", kind), pd.Series(values, dtype=object))
    assert np.flatnonzero(found["type"]).tolist() == wrong
    assert not found["null"].any()


@pytest.mark.parametrize(
    "dtype", ["int64", "float32", "Int64", "Float64", "int64[pyarrow]", "double[pyarrow]", "category"]
)
def test_whole_numbers_conform_however_they_are_stored(dtype):
    column = pd.Series([1, 2, 3]).astype(dtype)
    feature = Feature("x", "integer", min=1, max=2, categories=("1", "2", "3"))
    found = faults(feature, column)
    assert {fault: mask.tolist() for fault, mask in found.items() if mask.any()} == {
        "above max": [False, False, True]
    }


def test_stored_dates_and_booleans_conform():
    dates = pd.Series(pd.to_datetime([UTC, None]))
    assert not faults(Feature("x", "datetime"), dates)["type"].any()
    assert faults(Feature("x", "number"), dates)["type"].tolist() == [True, False]
    for dtype in ("bool", "boolean"):
        truths = pd.Series([True, False]).astype(dtype)
        assert not faults(Feature("x", "boolean"), truths)["type"].any()
        assert faults(Feature("x", "number"), truths)["type"].all()
        assert not any(
            mask.any() for mask in faults(Feature("x", "category", categories=("True", "False")), truths).values()
        )


def test_nulls_are_judged_only_where_declared():
    column = pd.Series([1.0, np.nan])
    assert faults(Feature("x", "number", min=0, nullable=False), column)["null"].tolist() == [False, True]
    for nullable in (None, True):
        found = faults(Feature("x", "number", min=0, categories=("1",), nullable=nullable), column)
        assert not any(mask.any() for mask in found.values())


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]", "float64"])
def test_limit_holds_in_the_precision_of_the_column(dtype):
    column = pd.Series([0.1, 0.3, 0.300001]).astype(dtype)
    found = faults(Feature("x", "number", min=0.1, max=0.3), column)
    assert not found["below min"].any()
    assert found["above max"].tolist() == [False, False, True]
