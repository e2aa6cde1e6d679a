"""Slices, groups, labelled rows and comparable columns, on columns as users' files have them."""

import numpy as np
import pandas as pd
import pytest

from checks.contract import Missing
from checks.evidence import OrganisationPolicy, Predictions, Slice, Task
from checks.methods.cohorts import (
    groups_of,
    labelled,
    labels_of,
    nearest,
    sensitive_columns,
    smoothed,
)
from checks.methods.columns import comparable
from checks.methods.slices import DECLARED, MANDATORY, slice_mask, slices_of
from tests.checks.planted import declaration, holdout
from tests.checks.planted_models import answered

AGES = [17.0, 30.0, 45.0, None]
FRAME = pd.DataFrame(
    {
        "age": AGES,
        "nullable_age": pd.array([17, 30, 45, None], dtype="Int64"),
        "region": ["north", "south", None, "north"],
        "category": pd.Categorical(["a", "b", "a", None]),
        "code": ["1", "2", "1", "3"],
        "flag": [True, False, True, True],
        "seen": pd.to_datetime(["2024-01-01", "2024-02-01", None, "2024-03-01"], utc=True),
    }
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"age": {"max": 30}}, [0]),
        ({"age": {"min": 30}}, [1, 2]),
        ({"age": {"min": 17, "max": 45}}, [0, 1]),
        ({"nullable_age": {"min": 30}}, [1, 2]),
        ({"age": 30}, [1]),
        ({"age": None}, [3]),
        ({"region": "north"}, [0, 3]),
        ({"region": None}, [2]),
        ({"category": "a"}, [0, 2]),
        ({"code": 1}, [0, 2]),
        ({"nullable_age": "30"}, [1]),
        ({"flag": True}, [0, 2, 3]),
        ({"flag": "false"}, []),
        ({"seen": {"min": "2024-02-01"}}, [1, 3]),
        ({"seen": {"max": "2024-02-01"}}, [0]),
        ({"region": "north", "age": {"max": 30}}, [0]),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_a_slice_is_the_rows_that_meet_all_conditions(where, rows):
    mask = slice_mask(where, FRAME)
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == rows


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ({"aeg": {"max": 30}}, "no column 'aeg'; did you mean 'age'"),
        ({"zzz": 1}, "no column 'zzz'$"),
        ({"region": {"max": 3}}, "'region' is neither a number nor a time"),
    ],
)
def test_a_slice_that_cannot_be_says_why(where, problem):
    with pytest.raises(ValueError, match=problem):
        slice_mask(where, FRAME)


def test_values_are_groups_and_many_numbers_are_quartiles():
    assert groups_of(FRAME["age"]).tolist() == ["17", "30", "45", None]
    assert groups_of(FRAME["nullable_age"]).tolist() == ["17", "30", "45", None]
    assert groups_of(FRAME["category"]).tolist() == ["a", "b", "a", None]
    assert groups_of(FRAME["flag"]).tolist() == ["True", "False", "True", "True"]
    for dtype in (float, "Int64"):
        ages = pd.Series(range(18, 59)).astype(dtype)
        assert groups_of(ages).value_counts().to_dict() == {
            "up to 28": 11,
            "over 28 to 38": 10,
            "over 38 to 48": 10,
            "over 48": 10,
        }
    days = pd.Series(pd.date_range("2024-01-01", periods=41, tz="UTC"))
    assert groups_of(days).iloc[[0, 40]].tolist() == ["up to 2024-01-11", "over 2024-01-31"]
    mostly_zero = pd.Series([0.0] * 90 + list(range(1, 13)) + [np.nan])
    assert groups_of(mostly_zero).iloc[[0, 101, 102]].tolist() == ["any value", "any value", None]


def test_the_organisation_adds_slices_and_columns_and_loses_none():
    young, old = Slice("young", {"age": {"max": 30}}), Slice("old", {"age": {"min": 60}})
    other_young = Slice("young", {"age": {"max": 25}})
    policy = OrganisationPolicy(sensitive=("sex", "age"), slices=(other_young, old))
    declared = declaration(sensitive=("age", "region"), slices=(young, old))
    assert slices_of(declared, policy) == [
        (MANDATORY, Slice("young (organisation)", other_young.where)),
        (MANDATORY, old),
        (DECLARED, young),
    ]
    assert slices_of(declared, None) == [(DECLARED, young), (DECLARED, old)]
    assert sensitive_columns(declared, policy) == ["age", "region", "sex"]
    assert sensitive_columns(declaration(), None) == []


def test_rows_without_a_label_are_left_out_and_counted():
    frame = pd.DataFrame({"y": [1, None, 0, 1], "x": [1, 2, 3, 4]})
    rows = labelled(declaration(), holdout(frame), answered(None, [1, 1, 0, 0]))
    assert (len(rows), rows.unlabelled, rows.positions.tolist()) == (3, 1, [0, 2, 3])
    assert (rows.truth.tolist(), rows.predicted.label.tolist(), rows.frame["x"].tolist()) == (
        [1, 0, 1],
        [1, 0, 0],
        [1, 3, 4],
    )


@pytest.mark.parametrize(
    ("labels", "task", "problem"),
    [
        (["yes", "no"], Task.BINARY, "positive class 1 in the test data, whose labels are 'no', 'yes'"),
        ([None, None], Task.BINARY, "labelled rows in the test data"),
        (["many", "few"], Task.REGRESSION, "numbers in the label column 'y'"),
        ([1.0, np.inf], Task.REGRESSION, "numbers in the label column 'y'"),
    ],
)
def test_unusable_labels_are_named(labels, task, problem):
    with pytest.raises(Missing, match=problem):
        labels_of(declaration(task=task), holdout(pd.DataFrame({"y": labels})), "test")
    with pytest.raises(Missing, match="y in the test data; did you mean 'yy'"):
        labels_of(declaration(), holdout(pd.DataFrame({"yy": labels})), "test")


@pytest.mark.parametrize(
    "predicted",
    [
        Predictions(np.array([1, None, 0], dtype=object)),
        Predictions(np.array([1.0, np.nan, 0.0])),
        Predictions(np.array([1, 1, 0]), np.array([[0, 1], [np.nan, 1], [1, 0]]), (0, 1)),
    ],
)
def test_a_row_without_an_answer_is_missing(predicted):
    with pytest.raises(Missing, match="a finite prediction for 1 of 3 rows"):
        labelled(declaration(), holdout(pd.DataFrame({"y": [1, 0, 1]})), predicted)


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (pd.Series([1, 2, None]), "category", ["1", "2", None]),
        (pd.Series([1, 2], dtype="int8"), "category", ["1", "2"]),
        (pd.Series(pd.Categorical(["a", None])), "category", ["a", None]),
        (pd.Series([True, None, False], dtype=object), "boolean", [1, np.nan, 0]),
        (pd.Series(["1.5", "x", None]), "number", [1.5, np.nan, np.nan]),
        (pd.Series([1.0, np.inf]), "number", [1, np.nan]),
        (pd.array([1, None], dtype="Int64"), "integer", [1, np.nan]),
        (pd.Series(["1970-01-02", None]), "datetime", [86400, np.nan]),
        (pd.Series(pd.to_datetime(["1970-01-02"])), "datetime", [86400]),
    ],
)
def test_columns_become_comparable_however_they_are_stored(column, kind, expected):
    pd.testing.assert_series_equal(comparable(pd.Series(column), kind), pd.Series(expected), check_dtype=False)


def test_the_nearest_name_is_proposed_only_when_near():
    assert nearest("incme", ["income", "age"]) == "; did you mean 'income'?"
    assert not nearest("incme", ["sex", "age"])


def test_a_rate_of_none_or_all_keeps_some_doubt():
    assert smoothed(0, 98) == pytest.approx((0.01, 0.01 * 0.99 / 100))
    assert smoothed(98, 98) == pytest.approx((0.99, 0.01 * 0.99 / 100))
