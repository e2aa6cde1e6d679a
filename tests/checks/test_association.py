"""The measures of association against independent ones, and their standard error against repeated samples."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from scipy.stats.contingency import association, crosstab

from checks.methods.association import FEW, associate, encode, strength

ROWS = 2000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def linked(rng, noise, rows=ROWS):
    left = rng.normal(0, 1, rows)
    return left, left + noise * rng.normal(0, 1, rows)


def codes(values):
    return encode(pd.Series(values), "category")


def test_numbers_are_associated_as_pearson_says_whatever_their_scale(rng):
    left, right = linked(rng, 1.0)
    expected = abs(np.corrcoef(left, right)[0, 1])
    assert strength(left, right) == pytest.approx(expected)
    assert strength(1e300 * left, -1e-300 * right) == pytest.approx(expected)
    assert strength(left, 3 * left + 1) == pytest.approx(1)


def test_ranks_give_spearmans_correlation(rng):
    left, right = linked(rng, 1.0)
    right = np.where(rng.random(ROWS) < 0.1, np.nan, np.exp(right))
    known = np.isfinite(right)
    ranked = [encode(pd.Series(values[known]), "number", ranks=True) for values in (left, right)]
    assert strength(*ranked) == pytest.approx(abs(spearmanr(left[known], right[known]).statistic))


def test_categories_are_associated_as_cramers_v_less_its_bias(rng):
    left = rng.integers(0, 4, ROWS)
    right = np.where(rng.random(ROWS) < 0.5, left, rng.integers(0, 3, ROWS))
    table = crosstab(left, right).count
    (k, r), phi2 = table.shape, association(table, method="cramer") ** 2 * (min(table.shape) - 1)
    shrunk = [size - (size - 1) ** 2 / (ROWS - 1) for size in (k, r)]
    expected = np.sqrt((phi2 - (k - 1) * (r - 1) / (ROWS - 1)) / (min(shrunk) - 1))
    assert strength(codes(left), codes(right)) == pytest.approx(expected)
    assert strength(codes(left), codes(left)) == pytest.approx(1)


def test_category_explains_a_number_as_one_way_analysis_of_variance_says(rng):
    groups = rng.integers(0, 5, ROWS)
    values = groups + rng.normal(0, 2, ROWS)
    means = pd.Series(values).groupby(groups).transform("mean").to_numpy()
    within = ((values - means) ** 2).sum() / (ROWS - 5)
    expected = np.sqrt(1 - within / np.var(values, ddof=1))
    assert strength(codes(groups), values) == pytest.approx(expected)
    assert strength(values, codes(groups)) == pytest.approx(expected)


def test_unrelated_columns_of_many_rare_values_explain_nothing(rng):
    names, number = codes([f"person {i}" for i in range(ROWS)]), rng.normal(0, 1, ROWS)
    rare, coin = codes(rng.integers(0, ROWS // 2, ROWS)), codes(rng.integers(0, 2, ROWS))
    for other in (rare, coin, number):
        assert strength(names, other) == 0
    assert strength(rare, coin) < 0.2
    assert strength(rare, number) < 0.2


@pytest.mark.parametrize("constant", [np.full(ROWS, 0.1), np.zeros(ROWS, int)])
def test_constant_column_is_associated_with_nothing(rng, constant):
    number = rng.normal(0, 1, ROWS)
    assert strength(constant, number) == 0
    assert strength(codes(number > 0), constant) == 0


def test_nulls_are_left_out_pair_by_pair(rng):
    left, right = linked(rng, 0.0)
    left[:900], right[900:1950] = np.nan, np.nan
    found = associate(left, right)
    assert found.rows == 50
    assert found.strength == pytest.approx(1)
    assert strength(left, right) == pytest.approx(1)
    assert associate(left[:1500], right[:1500]) == (0.0, 0.0, 0)


def test_standard_error_is_the_spread_over_samples(rng):
    samples = [associate(*linked(rng, 1.0, 300)) for _ in range(200)]
    spread = np.std([sample.strength for sample in samples])
    assert np.mean([sample.error for sample in samples]) == pytest.approx(spread, rel=0.15)


def test_same_columns_give_the_same_error(rng):
    left, right = linked(rng, 1.0)
    assert associate(left, right) == associate(left, right)
    assert associate(left, right).error > 0


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Series(["a", "b"]), "i"),
        (pd.Series([True, False]), "i"),
        (pd.Series(range(FEW)), "i"),
        (pd.Series(range(FEW + 1)), "f"),
        (pd.Series([1.5, 2.0]), "f"),
        (pd.Series(pd.to_datetime(["2024-01-01", None])), "f"),
    ],
)
def test_undeclared_column_is_taken_for_what_it_looks_like(column, kind):
    assert encode(column).dtype.kind == kind


def test_declared_type_decides():
    assert encode(pd.Series([1, 2]), "number").dtype.kind == "f"
    assert encode(pd.Series([1.5, None]), "category").tolist() == [0, -1]
    assert np.diff(encode(pd.Series(["2024-01-01", "2024-01-02"]), "datetime")).tolist() == [86400]
