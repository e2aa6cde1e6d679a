"""Column profiles from files: what is counted, how parts add up, how far from Evidently, what cannot be read."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engines.distances import coarse, jensen_shannon, wasserstein
from app.engines.duck import Side, profiles
from app.engines.duck_files import attached
from app.engines.profiles import NumberBins, Profile, profile_categories, profile_numbers
from app.errors import Invalid
from checks.evidence import Feature

SECRET = "the secret of another file"


def written(folder: Path, name: str, frame: pd.DataFrame) -> Side:
    path = folder / name
    form = path.suffix[1:]
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "arrow":
        pyarrow.feather.write_feather(frame, path)
    else:
        frame.to_parquet(path)
    return Side([(path, form)])


def numbers(*names: str, kind: str = "number") -> list[Feature]:
    return [Feature(name, kind) for name in names]


def counts(profile: Profile) -> tuple[object, ...]:
    """All that adds up exactly."""
    if hasattr(profile, "cells"):
        return profile.faults, profile.cells.tolist(), profile.compared.tolist()
    return profile.faults, dict(profile.values), profile.others


# --- parts add up -------------------------------------------------------------------------------

ANY_NUMBER = st.floats(width=64) | st.integers(-5, 5).map(float)
BINS = st.sampled_from(
    [NumberBins(0.0), NumberBins(1.5, (0.0, 1.0, 2.0)), NumberBins(-3.0, (), tuple(np.linspace(-4, 4, 9)))]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_NUMBER, max_size=40), st.lists(ANY_NUMBER, max_size=40), BINS)
def test_numbers_of_two_parts_add_up_to_the_whole(first, second, bins):
    one, other, both = (
        profile_numbers(np.array(part, dtype=float), bins, (-1.0, 1.0)) for part in (first, second, first + second)
    )
    assert counts(one + other) == counts(both)
    assert sum(counts(both)[1]) + both.faults.missing + both.faults.unreadable == len(first + second)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=3) | st.none()), st.lists(st.text(max_size=3) | st.none()))
def test_categories_of_two_parts_add_up_to_the_whole(first, second):
    feature = Feature("x", "category", categories=("", "a"))
    one, other, both = (
        profile_categories(pa.array(part, pa.string()), feature) for part in (first, second, first + second)
    )
    assert counts(one + other) == counts(both)


def test_mean_and_spread_of_parts_are_those_of_the_whole():
    values = np.random.default_rng(0).lognormal(3, 1, 1000)
    parts = [profile_numbers(part, NumberBins(20.0)) for part in np.split(values, [1, 400])]
    whole = parts[0] + parts[1] + parts[2]
    assert whole.mean == pytest.approx(values.mean())
    assert whole.std == pytest.approx(values.std())
    with pytest.raises(ValueError, match="different bins"):
        whole + profile_numbers(values, NumberBins(21.0))


def test_files_of_different_schemas_add_up(tmp_path):
    frame = pd.DataFrame({"x": np.arange(3000.0), "c": ["a", "b", None] * 1000})
    whole = written(tmp_path, "whole.parquet", frame)
    frame.iloc[:1000].astype({"x": "float32"}).to_parquet(tmp_path / "a.parquet")
    frame.iloc[1000:2000].astype({"x": "int64"})[["c", "x"]].to_parquet(tmp_path / "b.parquet")
    frame.iloc[2000:].to_csv(tmp_path / "c.csv", index=False)
    files = [("a.parquet", "parquet"), ("b.parquet", "parquet"), ("c.csv", "csv")]
    parts = Side([(tmp_path / name, form) for name, form in files])
    found = profiles(whole, parts, [*numbers("x"), Feature("c", "category")], tmp_path)
    for name in ("x", "c"):
        assert counts(found.serving[name]) == counts(found.reference[name])


def test_same_files_are_profiled_the_same_twice(tmp_path):
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=200_000)})
    side = written(tmp_path, "x.parquet", frame)
    one, two = (profiles(side, side, numbers("x"), tmp_path).serving["x"] for _ in range(2))
    assert counts(one) == counts(two)
    assert one.sums.tolist() == two.sums.tolist()
    assert one.squares == two.squares


# --- beside Evidently ---------------------------------------------------------------------------


def columns(rows: int, seed: int) -> dict[str, object]:
    """One column of each kind, ``seed`` 1 a little off."""
    rng, off = np.random.default_rng(seed), 0.05 * seed
    return {
        "normal": rng.normal(50 + 3 * off, 3, rows),
        "skewed": rng.lognormal(off, 1.5, rows),
        "heavy": rng.pareto(1.2, rows) + 1,
        "cauchy": rng.standard_cauchy(rows),
        "discrete": rng.poisson(4 + off, rows),
        "integers": rng.integers(0, 5000, rows),
        "constant": np.full(rows, 7.0),
        "moved constant": np.full(rows, 7.0 + off / 1000),
        "mostly missing": np.where(rng.random(rows) < 0.7, np.nan, rng.gamma(2, 1 + off, rows)),
        "some infinite": np.where(rng.random(rows) < 0.01, np.inf, rng.normal(off, 1, rows)),
        "seconds": 1.7e9 + rng.uniform(0, 1e6 * (1 + off), rows),
        "tiny": rng.normal(0, 1e-5, rows),
        "many zeros": np.where(rng.random(rows) < 0.8, 0, rng.exponential(100 + off, rows)),
        "rounded": np.round(rng.normal(0, 1 + off, rows), 1),
        "few far": rng.integers(0, 5, rows) * 1000.0 + 100_000,
        "new values": rng.integers(0, 19 + seed, rows) * 1.0,
        "outlier": np.where(np.arange(rows) == 5, 1e12, rng.normal(off, 1, rows)),
        "category few": rng.choice(list("abcdef")[: 5 + seed], rows),
        "category many": [f"v{i}" for i in rng.zipf(1.5 + off, rows).clip(max=500)],
        "category missing": np.where(rng.random(rows) < 0.5, None, "xy"[seed]),
    }


@pytest.mark.parametrize("rows", [1200, 30_000])
def test_distances_are_those_of_evidently(tmp_path, rows):
    with warnings.catch_warnings(action="ignore"):  # it imports what NumPy calls deprecated
        from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
        from evidently.legacy.calculations.stattests.wasserstein_distance_norm import _wasserstein_distance_norm
        from evidently.legacy.core import ColumnType

    before, now = pd.DataFrame(columns(rows, 0)), pd.DataFrame(columns(rows // 2, 1))
    features = [Feature(name, "category" if name.startswith("category") else "number") for name in before]
    sides = written(tmp_path, "before.parquet", before), written(tmp_path, "now.parquet", now)
    found = profiles(*sides, features, tmp_path)
    for feature in features:
        pair = found.reference[feature.name], found.serving[feature.name]
        kind = ColumnType.Categorical if feature.type == "category" else ColumnType.Numerical
        known = [side[feature.name].replace([np.inf, -np.inf], np.nan).dropna() for side in (before, now)]
        assert jensen_shannon(*pair) == pytest.approx(_jensenshannon(*known, kind, 0.1)[0], abs=1e-6), feature
        if kind is ColumnType.Numerical:
            theirs = _wasserstein_distance_norm(*known, kind, 0.1)[0]
            assert wasserstein(*pair) == pytest.approx(theirs, abs=1e-3), feature
        else:
            assert wasserstein(*pair) is None


def test_a_side_without_numbers_has_no_distance(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    empty = written(tmp_path, "empty.parquet", frame.assign(x=np.nan))
    found = profiles(written(tmp_path, "x.parquet", frame), empty, numbers("x"), tmp_path)
    assert wasserstein(found.reference["x"], found.serving["x"]) is None
    assert jensen_shannon(found.reference["x"], found.serving["x"]) is None
    assert coarse(found.serving["x"], found.reference["x"]).missing == 3


# --- what is counted ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "values", "faults"),
    [
        (Feature("x", "number", min=0, max=2), [-1.0, 0.0, 2.0, 3.0, None, np.inf], (1, 1, 1, 1, 0)),
        (Feature("x", "number"), ["1", "2", None], (1, 2, 0, 0, 0)),
        (Feature("x", "number"), [True, False], (0, 2, 0, 0, 0)),
        (Feature("x", "integer"), [1.0, 2.5, None], (1, 1, 0, 0, 0)),
        (Feature("x", "boolean"), [0, 1, 2], (0, 1, 0, 0, 0)),
        (Feature("x", "boolean"), [True, None], (1, 0, 0, 0, 0)),
        (Feature("x", "text"), ["a", None], (1, 0, 0, 0, 0)),
        (Feature("x", "text"), [1, 2], (0, 2, 0, 0, 0)),
        (Feature("x", "category", categories=("a", "1")), ["a", "b", None, "1"], (1, 0, 0, 0, 1)),
        (Feature("x", "category", categories=("1", "True")), [1.0, 2.0, None], (1, 0, 0, 0, 1)),
        (Feature("x", "category", categories=("True",)), [True, False], (0, 0, 0, 0, 1)),
        (Feature("x", "datetime"), ["2024-01-31T10:00:00Z", "31 January", None], (1, 1, 0, 0, 0)),
        (Feature("x", "datetime"), pd.to_datetime(["2024-01-31", None]), (1, 0, 0, 0, 0)),
        (Feature("x", "datetime"), [20240131], (0, 1, 0, 0, 0)),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_cells_that_break_the_schema_are_counted_by_kind(tmp_path, feature, values, faults, ending):
    side = written(tmp_path, f"x.{ending}", pd.DataFrame({"x": values}))
    found = profiles(side, side, [feature], tmp_path).serving["x"].faults
    assert (found.missing, found.unreadable, found.below, found.above, found.unknown) == faults
    assert found.rows == len(values)


def test_limit_holds_in_the_precision_of_the_column(tmp_path):
    side = written(tmp_path, "x.parquet", pd.DataFrame({"x": np.array([0.1, 0.3, 0.300001], "float32")}))
    found = profiles(side, side, [Feature("x", "number", min=0.1, max=0.3)], tmp_path).serving["x"].faults
    assert (found.below, found.above) == (0, 1)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", None])
def test_rows_of_the_window_alone_are_counted(tmp_path, zone):
    at = pd.date_range("2026-01-01", periods=48, freq="h", tz="UTC")
    at = at.tz_convert(zone) if zone else at.tz_localize(None)
    frame = pd.DataFrame({"x": np.arange(48.0), "assay.at": at})
    side = written(tmp_path, "x.parquet", frame)
    window = datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
    found = profiles(side, Side(side.files, window), numbers("x"), tmp_path)
    assert found.serving_rows == 6
    assert found.serving["x"].mean == pytest.approx(8.5)
    assert found.reference_rows == 48


@pytest.mark.parametrize("absurd", [1e39, -1e300, np.inf])
def test_numbers_too_large_to_reckon_with_are_unreadable_and_spoil_nothing(tmp_path, absurd):
    frame = pd.DataFrame({"x": [*np.arange(100.0), absurd]})
    side = written(tmp_path, "x.parquet", frame)
    found = profiles(side, side, numbers("x"), tmp_path).serving["x"]
    assert found.faults.unreadable == 1
    assert found.mean == pytest.approx(49.5)
    assert found.bins.edges[-1] == 99


def test_column_that_a_side_lacks_is_named_with_its_side(tmp_path):
    one, two = pd.DataFrame({"x": [1.0], "y": [1.0]}), pd.DataFrame({"X": [1.0], "y": [1.0], "z": [1.0]})
    sides = written(tmp_path, "1.parquet", one), written(tmp_path, "2.parquet", two)
    found = profiles(*sides, numbers("x", "y", "z"), tmp_path)
    assert found.absent == {"x": "serving", "z": "reference"}
    assert found.serving.keys() == {"y"}


# --- nothing else is read -----------------------------------------------------------------------

ATTACKS = (
    "x'; SELECT * FROM read_text('{secret}'); --",
    "x\"; SELECT * FROM read_text('{secret}'); --",
    "\") FROM read_text('{secret}') --",
    "c0) FROM read_text('{secret}') --",
    "(SELECT content FROM read_text('{secret}'))",
    "read_text('{secret}')",
    "'{secret}'",
    "{secret}",
    "*",
    "* FROM '{secret}'",
    "COLUMNS(*)",
    "$1",
    "?",
    "{{secret}}",
    "x\ny",
    "x\\",
    "x''",
    'x""',
    "/* x",
    "x -- y",
    "x; ATTACH '{secret}'",
    "x; COPY (SELECT 1) TO '{secret}'",
    "x; SET enable_external_access = true",
    "x; INSTALL httpfs",
    "getenv('HOME')",
)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_of_columns_and_values_of_categories_read_nothing(tmp_path, secret, attack):
    told = attack.replace("{secret}", str(secret))
    frame = pd.DataFrame({told: [1.0, 2.0], "c": [told, "b"]})
    features = [Feature(told, "number"), Feature("c", "category", categories=(told,))]
    found = profiles(*(written(tmp_path, "x.parquet", frame),) * 2, features, tmp_path)
    assert found.serving[told].mean == pytest.approx(1.5)
    assert counts(found.serving["c"])[1] == {told: 1, "b": 1}
    assert found.serving["c"].faults.unknown == 1
    assert SECRET not in str(found)
    assert secret.read_text() == SECRET


@pytest.mark.parametrize(
    "name",
    ["*.parquet", "[ab].parquet", "a?.parquet", "x' OR '1.parquet", "--.parquet", "y=1.parquet", "a,b.parquet"],
)
def test_names_of_files_are_no_patterns(tmp_path, name):
    for other in ("a.parquet", "ab.parquet"):
        written(tmp_path, other, pd.DataFrame({"x": [100.0] * 100}))
    side = written(tmp_path, name, pd.DataFrame({"x": [1.0, 3.0]}))
    found = profiles(side, side, numbers("x"), tmp_path)
    assert found.serving_rows == 2
    assert found.serving["x"].mean == pytest.approx(2.0)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM sniff_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_parquet('{folder}/other.parquet')",
        "ATTACH '{folder}/new.db'",
        "COPY (SELECT 1) TO '{folder}/new.csv'",
        "EXPORT DATABASE '{folder}/new'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{secret}']",
        "SET memory_limit = '100GB'",
        "SELECT * FROM secret_frame",
    ],
)
def test_the_door_is_shut_once_files_are_attached(tmp_path, secret, statement):
    secret_frame = pd.DataFrame({"x": [SECRET]})
    written(tmp_path, "other.parquet", secret_frame)
    side = written(tmp_path, "x.parquet", pd.DataFrame({"x": [1.0]}))
    with attached({"one": side.files}, tmp_path) as (connection, parts):
        assert connection.execute(f"SELECT c0 FROM {parts['one'][0].view}").fetchall() == [(1.0,)]
        with pytest.raises(duckdb.Error):
            connection.execute(statement.replace("{secret}", str(secret)).replace("{folder}", str(tmp_path)))
    assert not list(tmp_path.glob("new*"))
    assert not list(tmp_path.glob("duck-*"))


def test_a_statement_that_takes_too_long_is_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr("app.engines.duck_files.SECONDS", 0.5)
    side = written(tmp_path, "x.parquet", pd.DataFrame({"x": [1.0]}))
    endless = "SELECT sum(hash(range)) FROM range(1000000000000)"
    with pytest.raises(Invalid, match="nterrupt"), attached({"one": side.files}, tmp_path) as (connection, _):
        connection.execute(endless)


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense PAR1")
    side = Side([(tmp_path / "x.parquet", "parquet")])
    with pytest.raises(Invalid, match="cannot be read"):
        profiles(side, side, numbers("x"), tmp_path)
