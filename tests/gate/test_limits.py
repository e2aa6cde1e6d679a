"""Age of evidence, delivery metrics, open issues, fields of the registration: kept, broken, and not known."""

from __future__ import annotations

import pytest

from app.errors import Invalid
from app.gate import document
from app.gate.collected import registration
from app.gate.derivation import derive
from app.gate.limits import METRICS
from app.gate.terms import Demand, Limited
from app.gate.written import DeliveryForm, RegistrationField
from app.tables import Model, Version
from tests.catalog.manifests import manifest
from tests.gate.facts import attestation, facts, finding, inputs

HEAD = "assay_policy: 1\nname: production\nstages:\n  admit:\n    "
FIELDS = RegistrationField.__args__


def judged(asked, *evidence, **changes):
    body = derive(inputs(facts(*evidence), policy=HEAD + asked, **changes))
    [found] = body["conditions"]
    assert body["status"] == found["status"]
    return found


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        ([finding("DATA-1", days=29.9)], "pass"),
        ([finding("DATA-1", days=30)], "pass"),
        ([finding("DATA-1", days=30.1)], "unknown"),
        ([finding("DATA-1", "fail", days=1)], "pass"),  # its age; what it found is another condition's
        ([attestation("DATA-1", days=31)], "unknown"),
        ([finding("DATA-1", days=40), finding("DATA-1", "error", days=2, number=2)], "pass"),
        ([], "unknown"),
    ],
)
def test_evidence_no_older_than(evidence, status):
    found = judged("max_age_days: {DATA-1: 30}", *evidence)
    assert (found["status"], found["comparator"], found["threshold"]) == (status, "<=", 30)
    assert found["origin"] == "production v1"


@pytest.mark.parametrize(("value", "status"), [(0.3, "pass"), (0.31, "fail"), (None, "unknown")])
@pytest.mark.parametrize("key", METRICS)
def test_a_delivery_metric_of_at_most(key, value, status):
    found = judged(f"delivery: {{{key}: 0.3}}", delivery={key: Limited(value, "4 deployments; 5 are needed")})
    assert (found["status"], found["actual"]) == (status, value)
    assert ("5 are needed" in found["reason"]) is (value is None)
    assert judged(f"delivery: {{{key}: 0.3}}")["status"] == "unknown"  # not looked up


@pytest.mark.parametrize(
    ("issues", "status"),
    [({"high": 1}, "pass"), ({"high": 2}, "fail"), ({"critical": 5}, "pass"), ({}, "pass"), (None, "unknown")],
)
def test_open_issues_of_at_most(issues, status):
    assert judged("open_issues: {high: 1}", open_issues=issues)["status"] == status


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"retraining_days": 30}, "pass"),
        ({"retraining_days": None}, "fail"),
        ({"retraining_days": ""}, "fail"),
        ({"retraining_days": []}, "fail"),
        ({}, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_field_of_the_registration_must_be_filled(given, status):
    assert judged("registration: [retraining_days]", registration=given)["status"] == status


def test_every_field_that_can_be_asked_for_is_looked_up():
    told = manifest(version__commit="abcdef1", code={"feature_paths": ["features"]}, sensitive=["age"])
    model = Model(name="m", owner="Ada", purpose="p", users="u")
    version = Version(name="1", commit="abcdef1", manifest=told)
    found = registration(model, version)
    assert set(found) == set(FIELDS)
    assert (found["owner"], found["commit"], found["feature_paths"], found["sensitive"]) == (
        "Ada",
        "abcdef1",
        ["features"],
        ["age"],
    )
    assert registration(model, Version(name="2", manifest={}))["feature_paths"] is None
    assert set(METRICS) == set(DeliveryForm.model_fields)


def test_of_two_limits_the_lower_holds():
    low, high = (
        Demand(at_most={"max_age_days.DATA-1": 7, "open_issues.high": 3}),
        Demand(at_most={"open_issues.high": 0}),
    )
    assert low.and_also(high) == high.and_also(low)
    assert low.and_also(high).at_most == {"max_age_days.DATA-1": 7, "open_issues.high": 0}
    assert low.ages == {"DATA-1": 7}
    assert low.tests == ("DATA-1",)


@pytest.mark.parametrize(
    "wrong",
    [
        "max_age_days: {DATA-11: 30}",
        "max_age_days: {DATA-1: 0}",
        "delivery: {change_fail_rate_max: 1}",
        "delivery: {change_failure_rate: 0.1}",
        "open_issues: {severe: 0}",
        "open_issues: {high: -1}",
        "registration: [limitations]",
    ],
)
def test_wrong_limits_are_refused_with_their_line(wrong):
    with pytest.raises(Invalid) as caught:
        document.parse(HEAD + wrong)
    assert caught.value.errors[0].line == 5
