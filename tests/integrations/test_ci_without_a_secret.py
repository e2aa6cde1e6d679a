"""Templates for CI that store no secret: their own commands, with tokens of a real issuer."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

import httpx2
import pytest

from app.client import Assay
from tests.access.oidc.conftest import site, with_oidc
from tests.integrations.test_argo import ARGO_JOB
from tests.integrations.test_ci_templates import ANSWERS, JENKINS, jenkins_stage, shell, stored
from tests.pages.test_browser import serving

__all__ = ["shell", "site", "stored", "with_oidc"]

pytestmark = pytest.mark.slow


@pytest.fixture
def trusting(with_oidc, site, secret):
    """``with trusting(sub=...) as (url, token)``: a service that lets in what the issuer says that of, and a token
    that says so.
    """

    @contextmanager
    def serve(**claims):
        given = with_oidc(site.url).model_copy(update={"oidc_ci_issuers": [site.url]})
        with serving(given) as running:
            with Assay(running.public_url, secret("admin")) as admin:
                admin.trust({"name": "ci", "issuer": site.url, "claims": {"sub": claims["sub"]}})
            asked = {"audience": running.public_url, "claims": json.dumps(claims)}
            answer = httpx2.get(site.token_url, params=asked, headers={"Authorization": "bearer of-this-job"})
            yield running.public_url, answer.json()["value"]

    return serve


JENKINS_JOB = "https://jenkins.example.com/job/credit/"


def test_the_jenkins_stage_needs_no_secret(trusting, shell, stored):
    """The plugin's token has the address of the job for a subject, and the number of the build."""
    stored()
    [variable] = re.findall(r"credentialsId: 'assay-id-token', variable: '(\w+)'", JENKINS)
    with trusting(sub=JENKINS_JOB, build_number="7") as (url, token):
        answer = jenkins_stage(shell, url, **{"ASSAY_TOKEN": "", variable: token})
        assert answer.returncode == 0, answer.stdout + answer.stderr
        without = jenkins_stage(shell, url, ASSAY_TOKEN="")
        assert (without.returncode, "PASS" in without.stdout) == (64, False), without.stdout + without.stderr


ACCOUNT = "system:serviceaccount:credit:assay-gate"


@pytest.mark.parametrize(("verdicts", "code"), ANSWERS)
def test_the_job_of_argo_shows_who_it_is_by_the_file_that_kubernetes_keeps(
    trusting, shell, stored, tmp_path, verdicts, code
):
    """The token of a service account: an audience in a list, and claims of Kubernetes' own."""
    stored(**verdicts)
    pod = ARGO_JOB["spec"]["metrics"][0]["provider"]["job"]["spec"]["template"]["spec"]
    [container], [volume] = pod["containers"], pod["volumes"]
    known = {one["name"]: one.get("value") for one in ARGO_JOB["spec"]["args"]}
    known |= {"model": "credit-default", "version": "1.0.0", "stage": "admit"}
    written = "\n".join(container["command"])
    command = re.sub(r"\{\{args\.([\w-]+)\}\}", lambda found: known[found[1]], written).split("\n")
    given = {one["name"]: one["value"] for one in container["env"]}
    [mount] = container["volumeMounts"]
    projected = volume["projected"]["sources"][0]["serviceAccountToken"]
    assert (mount["name"], projected["audience"]) == (volume["name"], given["ASSAY_URL"])
    assert given["ASSAY_OIDC_TOKEN_FILE"] == f"{mount['mountPath']}/{projected['path']}"
    with trusting(sub=ACCOUNT, **{"kubernetes.io": {"namespace": "credit"}}) as (url, token):
        (tmp_path / "token").write_text(f"{token}\n")
        given |= {"ASSAY_URL": url, "ASSAY_OIDC_TOKEN_FILE": str(tmp_path / "token"), "ASSAY_TOKEN": ""}
        answer = shell(command, url, **given)
        assert answer.returncode == code, answer.stdout + answer.stderr
        [rule] = ARGO_JOB["spec"]["metrics"][0]["provider"]["job"]["spec"]["podFailurePolicy"]["rules"]
        assert (code in rule["onExitCodes"]["values"]) == (code != 0)
        (tmp_path / "token").unlink()
        gone = shell(command, url, **given)
        assert (gone.returncode, "ASSAY_OIDC_TOKEN_FILE names no token" in gone.stderr) == (3, True), gone.stderr
