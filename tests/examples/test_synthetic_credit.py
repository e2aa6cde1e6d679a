"""The synthetic data is the same for a seed, and each defect changes what its README says and nothing else."""

import hashlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "credit-default"
ROWS = 12_000
SPLIT = pd.Timestamp("2024-04-01", tz="UTC")


@pytest.fixture(scope="module")
def source():
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("generate")
    sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="module")
def sound(source):
    return source.generate(rows=ROWS)


@pytest.fixture(scope="module")
def spoiled(source):
    return lambda name: source.generate(rows=ROWS, defects=[name])


def changed(before, after, column):
    """The rows in which two columns differ; two missing values do not."""
    return ~((before[column] == after[column]) | (before[column].isna() & after[column].isna())).fillna(False)


def require_only_changed(before, after, *columns):
    pd.testing.assert_frame_equal(before.drop(columns=list(columns)), after.drop(columns=list(columns)))


def test_a_seed_gives_the_same_rows_in_every_process(tmp_path):
    digests = set()
    for salt in ("1", "2"):
        out = tmp_path / f"{salt}.parquet"
        command = [sys.executable, EXAMPLE / "generate.py", "--out", out, "--rows", "3000", "--defects", "pii_text"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True)
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_another_seed_gives_other_rows(source, sound):
    assert not source.generate(rows=ROWS, seed=29)["income"].equals(sound["income"])


def test_the_applications_are_as_described(source):
    frame = source.generate()
    assert len(frame) == 60_000
    assert frame["application_id"].is_unique
    assert frame["applied_at"].is_monotonic_increasing
    assert 30_000 < frame["person_id"].nunique() < 36_000
    assert 0.08 < frame["defaulted"].mean() < 0.12
    assert frame.groupby("person_id")["sex"].nunique().max() == 1
    gaps = {name for name in frame.columns if frame[name].isna().any()}
    assert gaps == {"income", "months_at_job", "channel", "utilisation", "defaulted", "label_at"}


def test_labels_come_late_and_the_newest_not_at_all(source, sound):
    known = sound["label_at"].notna()
    assert (known == sound["defaulted"].notna()).all()
    assert (sound["label_at"] - sound["applied_at"])[known].min() >= pd.Timedelta(days=90)
    assert sound["label_at"].max() < source.PERIOD.end
    assert not known[sound["applied_at"] > source.PERIOD.end - pd.Timedelta(days=90)].any()


def test_the_split_is_by_time(source, sound):
    train, test = source.split(sound)
    assert train["label_at"].max() < SPLIT <= test["applied_at"].min()
    assert train["defaulted"].notna().all()
    assert test["defaulted"].notna().all()


def test_sound_data_keeps_to_the_declared_schema_and_cents_do_not(source):
    declared = {f["name"]: f for f in yaml.safe_load((EXAMPLE / "assay.yaml").read_text())["features"]}
    breaches = {}
    for defects in ((), ("unit_change",)):
        frame = source.generate(defects=defects)
        breaches[defects] = {name for name, feature in declared.items() if breaks(frame[name], feature)}
    assert breaches == {(): set(), ("unit_change",): {"income"}}


def breaks(column, feature):
    given = column.dropna()
    if column.isna().any() and not feature["nullable"]:
        return True
    if feature["type"] == "category":
        return not set(given) <= set(feature["categories"])
    return given.min() < feature["min"] or given.max() > feature["max"]


def test_unit_change(sound, spoiled):
    after, late = spoiled("unit_change"), sound["applied_at"] >= pd.Timestamp("2023-10-01", tz="UTC")
    require_only_changed(sound, after, "income")
    assert after["income"].equals(sound["income"].mask(late, sound["income"] * 100))
    assert 0 < late.sum() < ROWS


def test_label_leak(sound, spoiled):
    after = spoiled("label_leak")
    require_only_changed(sound, after, "late_payments_12m")
    more = after["late_payments_12m"] - sound["late_payments_12m"]
    known = sound["defaulted"].notna()
    assert (more[known] == 3 * sound["defaulted"][known]).all()
    assert set(more[~known]) == {0, 3}


def test_biased_group(sound, spoiled):
    after = spoiled("biased_group")
    require_only_changed(sound, after, "defaulted")
    moved = changed(sound, after, "defaulted")
    group = (sound["age_group"] == "60+") & (sound["applied_at"] < SPLIT)
    repaid = group & (sound["defaulted"] == 0).fillna(False)
    assert (after["defaulted"][moved] == 1).all()
    assert not moved[~repaid].any()
    assert moved[repaid].mean() == pytest.approx(0.6, abs=0.06)


def test_weak_slice(sound, spoiled):
    after = spoiled("weak_slice")
    require_only_changed(sound, after, "defaulted")
    moved, east = changed(sound, after, "defaulted"), sound["region"] == "east"
    assert not moved[~east].any()
    late = "late_payments_12m"
    before_tie, after_tie = (frame[east & frame["defaulted"].notna()] for frame in (sound, after))
    assert before_tie[late].corr(before_tie["defaulted"].astype(float)) > 0.1
    assert abs(after_tie[late].corr(after_tie["defaulted"].astype(float))) < 0.07
    assert after_tie["defaulted"].mean() == pytest.approx(before_tie["defaulted"].mean(), abs=0.01)


def test_label_shift(sound, spoiled):
    after = spoiled("label_shift")
    require_only_changed(sound, after, "defaulted")
    moved, late = changed(sound, after, "defaulted"), sound["applied_at"] >= SPLIT
    assert not moved[~late].any()
    assert (after["defaulted"][moved] == 1).all()


def test_label_shift_doubles_the_odds(source):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"applied_at": SPLIT, "chance": 0.2, "defaulted": (rng.random(100_000) < 0.2).astype("int8")}
    )
    after = source.OF_APPLICATIONS["label_shift"](frame, rng, source.PERIOD)
    assert after["defaulted"].mean() == pytest.approx(1 / 3, abs=0.01)


def test_pii_text(sound, spoiled):
    after = spoiled("pii_text")
    require_only_changed(sound.assign(note=None), after[[*sound.columns, "note"]], "note")
    personal = after["note"].str.contains(r"@example\.com, \+49 30 23125 \d{3}$")
    assert personal.mean() == pytest.approx(0.05, abs=0.01)
    assert after["note"][~personal].nunique() == 5


def test_rounding(sound, spoiled):
    after, late = spoiled("rounding"), sound["applied_at"] >= SPLIT
    require_only_changed(sound, after, "debt_ratio", "utilisation")
    for name in ("debt_ratio", "utilisation"):
        assert after[name].equals(sound[name].mask(late, sound[name].round(1)))


def test_overlap(source, sound):
    train, test = source.split(sound)
    same_train, more_test = source.split(sound, defects=["overlap"])
    pd.testing.assert_frame_equal(same_train, train)
    pd.testing.assert_frame_equal(more_test.iloc[2000:].reset_index(drop=True), test)
    again = more_test.iloc[:2000].sort_values("application_id").reset_index(drop=True)
    assert again["application_id"].is_unique
    where = train["application_id"].isin(again["application_id"])
    pd.testing.assert_frame_equal(again, train[where].reset_index(drop=True))


def test_several_defects_at_once_are_each_as_alone(source, sound, spoiled):
    both = source.generate(rows=ROWS, defects=["rounding", "unit_change"])
    assert both["income"].equals(spoiled("unit_change")["income"])
    assert both["utilisation"].equals(spoiled("rounding")["utilisation"])


def test_an_unknown_defect_is_refused(source, sound):
    with pytest.raises(ValueError, match="label_leek"):
        source.generate(rows=10, defects=["label_leek"])
    with pytest.raises(ValueError, match="overlapp"):
        source.split(sound, defects=["overlapp"])


def test_the_readme_names_every_defect_and_no_other(source):
    rows = re.findall(r"^\| `(\w+)` \|", (EXAMPLE / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(rows) == sorted(source.NAMES_OF_DEFECTS)
