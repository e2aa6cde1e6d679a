"""DATA-4 on signatures that keep to the policy, break it by name or source, or go round it by proxy."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from checks.contract import Verdict
from checks.data.meta_requirements import MetaRequirements
from checks.evidence import Feature, OrganisationPolicy
from tests.checks.planted import (
    applications,
    declaration,
    diabetes,
    features_of,
    judged,
    require_storable,
    training,
)
from tests.checks.planted_models import stored

CHECK = MetaRequirements()
FRAME = applications()
DECLARED = declaration(features=features_of(FRAME, "y", "sex"), id_column="id", time_column="at")
ETHNICITY = OrganisationPolicy(banned_features=("ethnicity",))


def measured(frame=FRAME, declared=DECLARED, policy=None):
    measurement = CHECK.measure(declared, policy or OrganisationPolicy(), training(frame))
    require_storable(measurement)
    return measurement


def with_ethnicity(agreement, rows=2000, of="region"):
    """``ethnicity`` equals the feature ``of`` in this share of rows, and is drawn from its values elsewhere."""
    frame, rng = applications(rows), np.random.default_rng(1)
    drawn = rng.permutation(frame[of].to_numpy())
    return frame.assign(ethnicity=np.where(rng.random(rows) < agreement, frame[of], drawn))


def test_signature_that_keeps_to_the_policy_passes():
    policy = OrganisationPolicy(("ssn", "*_email"), ("old_*",), ("scraped",))
    judgement = judged(CHECK, measured(policy=policy))
    assert judgement.verdict is Verdict.PASS
    assert "None of 5 features is banned" in judgement.reason
    assert "Not in the data and so not looked at: ssn, *_email." in judgement.reason


def test_empty_policy_passes_without_bans():
    judgement = judged(CHECK, measured())
    assert judgement.verdict is Verdict.PASS
    assert "not looked at" not in judgement.reason


@pytest.mark.parametrize(
    ("feature", "policy", "told"),
    [
        (Feature("ssn", "text"), OrganisationPolicy(banned_features=("ssn",)), "ssn is banned by name (ssn)"),
        (Feature("SSN", "text"), OrganisationPolicy(banned_features=("ssn",)), "SSN is banned by name (ssn)"),
        (
            Feature("Own_SSN", "text"),
            OrganisationPolicy(banned_features=("*_ssn",)),
            "Own_SSN is banned by name (*_ssn)",
        ),
        (Feature("a[1]", "text"), OrganisationPolicy(banned_features=("A[1]",)), "a[1] is banned by name (A[1])"),
        (
            Feature("score1", "number"),
            OrganisationPolicy(deprecated_features=("score?",)),
            "score1 is deprecated (score?)",
        ),
        (
            Feature("x", "number", source="Web/scraped"),
            OrganisationPolicy(banned_sources=("web/*",)),
            "x is from a banned source (web/*)",
        ),
        (Feature("y", "integer"), OrganisationPolicy(), "y is the label, id or time column itself (label)"),
        (Feature("id", "integer"), OrganisationPolicy(), "id is the label, id or time column itself (id)"),
        (Feature("at", "datetime"), OrganisationPolicy(), "at is the label, id or time column itself (time)"),
    ],
)
def test_breach_fails_by_name_and_rule(feature, policy, told):
    judgement = judged(
        CHECK, measured(declared=replace(DECLARED, features=(*DECLARED.features, feature)), policy=policy)
    )
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == f"{told}."
    assert judgement.remedy


@pytest.mark.parametrize("name", ["ssn_known", "lesson", "score12"])
def test_names_that_only_resemble_a_ban_pass(name):
    policy = OrganisationPolicy(("ssn", "*_ssn"), ("score?",))
    declared = replace(DECLARED, features=(Feature(name, "text"),))
    assert judged(CHECK, measured(declared=declared, policy=policy)).verdict is Verdict.PASS


def test_manifest_may_add_a_ban():
    declared = replace(DECLARED, banned=("debt",))
    judgement = judged(CHECK, measured(declared=declared, policy=OrganisationPolicy(("ssn",))))
    assert judgement.verdict is Verdict.FAIL
    assert "debt is banned by name (debt)" in judgement.reason


def test_breach_needs_no_rows():
    judgement = judged(CHECK, measured(with_ethnicity(1).head(5), policy=OrganisationPolicy(("ethnicity", "debt"))))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "debt is banned by name (debt)."


def test_proxy_of_a_banned_category_fails_by_both_names():
    judgement = judged(CHECK, measured(with_ethnicity(0.9), policy=ETHNICITY))
    assert judgement.verdict is Verdict.FAIL
    assert "region is associated with the banned ethnicity by 0.9" in judgement.reason
    assert "debt" not in judgement.reason


@pytest.mark.parametrize("noise", [0.5, 5.0])
def test_number_and_category_as_proxies_of_a_banned_number(noise):
    """Unscaled diabetes data: ``s1`` disturbed is a proxy of ``s1`` as long as the disturbance is small."""
    frame, rng = diabetes(), np.random.default_rng(0)
    frame["banned"] = frame["s1"] + rng.normal(0, noise * frame["s1"].std(), len(frame))
    frame["band"] = pd.cut(frame["banned"], 12).astype(str)
    features = features_of(frame[["s1", "band", "bmi"]])
    policy = OrganisationPolicy(("banned",))
    judgement = judged(CHECK, measured(frame, replace(DECLARED, features=features), policy))
    assert judgement.verdict is Verdict.FAIL
    assert "band is associated with the banned banned by 0.9" in judgement.reason
    assert ("s1 is associated" in judgement.reason) == (noise == 0.5)
    assert "bmi is" not in judgement.reason


def test_unrelated_banned_column_passes_and_the_highest_is_told():
    judgement = judged(CHECK, measured(with_ethnicity(0.35), policy=ETHNICITY))
    assert judgement.verdict is Verdict.PASS
    assert "Of 5 associations with banned columns none credibly exceeds 0.8" in judgement.reason
    assert "Highest: region is associated with the banned ethnicity by 0.3" in judgement.reason


def test_limit_inside_the_interval_passes_with_a_note():
    measurement = measured(with_ethnicity(0.79, rows=300), policy=ETHNICITY)
    top = stored(measurement)["associations"][0]
    assert top["strength"] - 1.645 * top["error"] < 0.8 < top["strength"]
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert "Above it, but not credibly: region is associated" in judgement.reason


def test_limit_decides_at_its_boundary():
    measurement = measured(with_ethnicity(0.6), policy=ETHNICITY)
    top = stored(measurement)["associations"][0]
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_association=top["strength"] - 4 * top["error"]).verdict is Verdict.FAIL
    assert judged(CHECK, measurement, max_association=top["strength"] - top["error"]).verdict is Verdict.PASS


def test_exact_copy_of_a_banned_column_fails():
    judgement = judged(CHECK, measured(with_ethnicity(1.0, rows=100), policy=ETHNICITY))
    assert judgement.verdict is Verdict.FAIL
    assert "ethnicity by 1.00" in judgement.reason


def test_too_few_rows_for_a_proxy_are_inconclusive_until_the_threshold_allows_them():
    measurement = measured(with_ethnicity(1.0, rows=99), policy=ETHNICITY)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "proxies of ethnicity 100 rows are needed; there are 99" in judgement.reason
    assert judged(CHECK, measurement, min_rows=99).verdict is Verdict.FAIL


def test_nulls_of_a_banned_column_do_not_count_as_rows():
    frame = with_ethnicity(1.0)
    frame["ethnicity"] = frame["ethnicity"].where(frame.index < 60)
    assert "there are 60" in judged(CHECK, measured(frame, policy=ETHNICITY)).reason


def test_sparse_feature_alone_is_noted():
    frame = with_ethnicity(0.3)
    frame["debt"] = frame["debt"].where(frame.index < 60)
    judgement = judged(CHECK, measured(frame, policy=ETHNICITY))
    assert judgement.verdict is Verdict.PASS
    assert "Pairs with too few rows to judge: 1." in judgement.reason


def test_few_rows_do_not_matter_when_no_banned_column_is_there():
    assert judged(CHECK, measured(FRAME.head(5), policy=ETHNICITY)).verdict is Verdict.PASS


def test_identifier_is_no_proxy_only_because_every_value_is_new():
    frame = with_ethnicity(0.3).assign(reference=[f"r{i}" for i in range(2000)])
    declared = replace(DECLARED, features=(Feature("reference", "text"),))
    judgement = judged(CHECK, measured(frame, declared, ETHNICITY))
    assert judgement.verdict is Verdict.PASS
    assert "reference is associated with the banned ethnicity by 0.00" in judgement.reason


def test_large_data_is_sampled_and_measures_the_same():
    frame = with_ethnicity(0.9, rows=12_000)
    measurement = measured(frame, policy=ETHNICITY)
    assert {pair["rows"] for pair in stored(measurement)["associations"]} == {10_000}
    assert measured(frame, policy=ETHNICITY) == measurement


def test_table_lists_every_pair_strongest_first():
    (table,) = measured(with_ethnicity(0.9), policy=ETHNICITY).exhibits
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert rows[0]["feature"] == "region"
    assert {row["feature"] for row in rows} == set(DECLARED.feature_names)
    strengths = [float(row["association"]) for row in rows]
    assert strengths == sorted(strengths, reverse=True)


def test_long_lists_are_cut():
    features = tuple(Feature(f"x{i}", "number") for i in range(8))
    judgement = judged(
        CHECK, measured(declared=replace(DECLARED, features=features), policy=OrganisationPolicy(("x*",)))
    )
    assert judgement.reason.endswith("x4 is banned by name (x*); and 3 more.")
