"""MODEL-6 by family: nobody's slices dilute another's, and found ones are judged on rows they were not found in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from checks.contract import Exhibit, Verdict
from checks.evidence import EarlierVersions, OrganisationPolicy, Predictions, Slice
from checks.methods.slices import DECLARED, FOUND, MANDATORY, search_half, slice_mask
from checks.model.slice_quality import SliceQuality
from checks.serving import FullSuite, WeakSegments
from tests.checks.planted import declaration, holdout, judged, require_storable
from tests.checks.planted_models import serving, stored

CHECK = SliceQuality()
EVERYONE = Slice("everyone", {"age": {"min": 0}})
OLD = Slice("age over 60", {"age": {"min": 60}})


def people(rows=6000, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.uniform(18, 80, rows), "y": rng.integers(0, 2, rows)})


def answered(frame, old, others=0.05, *, foreseen=False, rows=None, seed=1):
    """Wrong at these rates; as sure as usual of everything, or as unsure as it is wrong (``foreseen``)."""
    rates = np.where(frame["age"] >= 60, old, others)
    if rows is not None:
        rates = np.where(rows, rates, others)
    wrong = np.random.default_rng(seed).random(len(frame)) < rates
    label = np.where(wrong, 1 - frame["y"], frame["y"])
    sure = 1 - (rates if foreseen else np.full(len(frame), others))
    positive = np.where(label == 1, sure, 1 - sure)
    return Predictions(label, np.column_stack([1 - positive, positive]), (0, 1))


def measured(frame, predicted, segments=(OLD,), earlier=None, suite=None, slices=(EVERYONE,), policy=None):
    weak = WeakSegments(tuple(segments), "deepchecks 0.19.1", 3000)
    declared = declaration(slices=slices)
    return CHECK.measure(declared, holdout(frame), predicted, earlier or EarlierVersions(), policy, weak, suite)


def test_a_segment_that_is_worse_than_the_model_foresees_fails_and_names_its_finder():
    frame = people()
    found = measured(frame, answered(frame, 0.3))
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith("slice age over 60 (found by deepchecks 0.19.1) (")
    require_storable(found)


def test_a_segment_where_every_answer_is_less_certain_is_named_and_fails_nothing():
    frame = people()
    judgement = judged(CHECK, measured(frame, answered(frame, 0.3, foreseen=True)))
    assert judgement.verdict is Verdict.PASS
    assert "Worse, as its own probabilities foresee: age over 60 (found by deepchecks 0.19.1)." in judgement.reason
    assert "deepchecks 0.19.1 searched 3,000 other rows" in judgement.reason


def test_without_probabilities_nothing_is_foreseen():
    frame = people()
    labels = Predictions(answered(frame, 0.3, foreseen=True).label)
    assert judged(CHECK, measured(frame, labels)).verdict is Verdict.FAIL


def test_a_declared_slice_is_judged_by_its_gap_whatever_was_foreseen():
    frame = people()
    predicted = answered(frame, 0.3, foreseen=True)
    assert judged(CHECK, measured(frame, predicted, (), slices=(OLD,))).verdict is Verdict.FAIL


def test_the_rows_of_the_search_do_not_judge():
    frame = people()
    searched = search_half(len(frame))
    assert searched.sum() == 3000
    assert (search_half(len(frame)) == searched).all()
    bad_luck = answered(frame, 0.4, rows=searched)
    assert judged(CHECK, measured(frame, bad_luck)).verdict is Verdict.PASS
    weakness = answered(frame, 0.4, rows=~searched)
    assert judged(CHECK, measured(frame, weakness)).verdict is Verdict.FAIL
    [_, segment] = stored(measured(frame, weakness))["slices"]
    assert segment["rows"] == int((frame["age"] >= 60)[~searched].sum())


def test_a_found_segment_that_got_worse_than_the_serving_version_fails():
    frame = people()
    before, now = answered(frame, 0.05), answered(frame, 0.2, foreseen=True)
    judgement = judged(CHECK, measured(frame, now, earlier=serving("1.4", before), slices=(OLD,)))
    assert "age over 60 (found by deepchecks 0.19.1)" in judgement.reason
    assert "above version 1.4" in judgement.reason


def test_a_small_segment_is_not_judged_and_nothing_is_owed_for_it():
    frame = people()
    few = Slice("few", {"age": {"min": 79.9}})
    assert judged(CHECK, measured(frame, answered(frame, 0.05), (few,))).verdict is Verdict.PASS


def test_the_suites_report_is_kept_with_what_failed_in_it():
    frame = people()
    exhibit = Exhibit("deepchecks' full suite", "text/html", b"<p>report</p>")
    suite = FullSuite(exhibit, "deepchecks 0.19.1", 50, "50 of 60 rows", {"one": True, "two": False})
    found = measured(frame, answered(frame, 0.05), suite=suite)
    assert found.exhibits[1] is exhibit
    told = {"by": "deepchecks 0.19.1", "drawn from": "50 of 60 rows", "tests": 2, "failed": ["two"]}
    assert stored(found)["suite"] == told
    assert judged(CHECK, found).verdict is Verdict.PASS  # a report judges nothing


def test_a_mandatory_slice_that_is_too_small_leaves_the_verdict_open():
    frame = people()
    few = Slice("few", {"age": {"min": 79.5}})
    policy = OrganisationPolicy(slices=(few,))
    judgement = judged(CHECK, measured(frame, answered(frame, 0.05), (), policy=policy))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "fewer than 100 labelled rows: few (" in judgement.reason
    assert judged(CHECK, measured(frame, answered(frame, 0.05), (), slices=(EVERYONE, few))).verdict is Verdict.PASS


def families(gap, family, besides, se=0.01):
    def one(name, gap, family):
        figures = {
            "error": 0.2,
            "error_se": se,
            "gap": gap,
            "gap_se": se,
            "unforeseen": None,
            "unforeseen_se": None,
        }
        return {"name": name, "family": family, "problem": None, "rows": 500, "change": None, **figures}

    others = [one(f"s{n}", 0.0, DECLARED) for n in range(besides)]
    return {"unit": "x", "error": 0.1, "incumbent": None, "slices": [one("the one", gap, family), *others]}


@pytest.mark.parametrize("family", [MANDATORY, FOUND])
def test_hundreds_of_declared_slices_dilute_nobody_elses(family):
    alone = 0.0665  # 0.05 + 1.645 * 0.01 and a little
    assert CHECK.judge(families(alone, family, 400), CHECK.thresholds).verdict is Verdict.FAIL
    assert CHECK.judge(families(alone - 0.0001, family, 400), CHECK.thresholds).verdict is Verdict.PASS
    assert CHECK.judge(families(alone, DECLARED, 400), CHECK.thresholds).verdict is Verdict.PASS


def test_a_list_of_values_is_met_by_any_of_them():
    frame = pd.DataFrame({"region": ["a", "b", None, "c"], "n": [1.0, 2.0, 3.0, np.nan]})
    assert slice_mask({"region": ["a", None]}, frame).tolist() == [True, False, True, False]
    assert slice_mask({"region": ["a", "b"], "n": {"min": 2}}, frame).tolist() == [False, True, False, False]
    assert not slice_mask({"region": []}, frame).any()
