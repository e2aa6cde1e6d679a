"""Argo Rollouts' analysis templates: valid by Argo's schema, and measured as Argo does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import jsonschema
import pytest
import yaml

from tests.gate.test_check_command import nowhere
from tests.integrations.test_ci_templates import INTEGRATIONS, stored

__all__ = ["nowhere", "stored"]

pytestmark = pytest.mark.slow

ARGO, ARGO_JOB = (
    yaml.safe_load((INTEGRATIONS / "argo-rollouts" / f"analysis-template{kind}.yaml").read_text())
    for kind in ("", "-oidc")
)


def strictly(schema):
    """Unknown fields are refused, as ``kubectl apply --validate=strict`` does."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("properties"):
            schema = {"additionalProperties": False, **schema}
        return {key: strictly(value) for key, value in schema.items()}
    return [strictly(one) for one in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("template", [ARGO, ARGO_JOB], ids=["web", "job"])
def test_the_analysis_template_is_what_argo_takes(template):
    schema = json.loads((Path(__file__).parent / "schemas" / "argo-analysis-template.json").read_text())
    judge = jsonschema.Draft7Validator(strictly(schema))
    judge.validate(template)
    for name in ("failureLimit", "valueFrom" if template is ARGO else "volumeMounts"):
        assert not judge.is_valid(json.loads(json.dumps(template).replace(name, f"{name}s"))), name


def measured(url, token, **arguments):
    """The phase of a measurement, as Argo's web provider comes to it."""
    known = {one["name"]: one.get("value") for one in ARGO["spec"]["args"]} | arguments
    known |= {"assay-url": url, "assay-token": token}
    filled = json.loads(
        re.sub(r"\{\{args\.([\w-]+)\}\}", lambda found: known[found[1]], json.dumps(ARGO["spec"]["metrics"][0]))
    )
    web = filled["provider"]["web"]
    headers = {one["key"]: one["value"] for one in web["headers"]}
    try:
        answer = httpx2.request(web["method"], web["url"], headers=headers, json=web["jsonBody"])
    except httpx2.TransportError:
        return "Error"
    if not answer.is_success:
        return "Error"
    assert web["jsonPath"] == "{$.status}"
    result = answer.json()["status"]
    holds = {name: eval(filled[f"{name}Condition"], {"result": result}) for name in ("success", "failure")}
    return "Failed" if holds["failure"] else "Successful" if holds["success"] else "Inconclusive"


@pytest.mark.parametrize(
    ("verdicts", "phase"),
    [({}, "Successful"), ({"INFRA_4": "fail"}, "Failed"), ({"INFRA_4": "inconclusive"}, "Inconclusive")],
)
def test_argo_measures_the_answer(server, stored, secret, verdicts, phase):
    stored(**verdicts)
    asked = {"model": "credit-default", "version": "1.0.0", "stage": "admit"}
    assert measured(server.url, secret("reviewer"), **asked) == phase


def test_argo_sees_an_audit_that_runs_first_as_inconclusive_and_a_refusal_as_an_error(
    server, stored, secret, nowhere
):
    asked = {"model": "credit-default", "version": "1.0.0", "stage": "admit"}
    stored()
    assert measured(server.url, "asy_wrong", **asked) == "Error"
    assert measured(nowhere, "asy_wrong", **asked) == "Error"
    assert measured(server.url, secret("ci"), **asked | {"stage": "promote"}) == "Inconclusive"
