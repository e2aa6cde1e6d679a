"""What tools really write about code, handed in over HTTP, audited by the worker, and what was found then."""

from __future__ import annotations

import pytest

from tests.catalog.releases import predictions_only, register, upload
from tests.evidence.measured_project import lay_out, run_pytest

VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"
COMMIT = "3f2a91c"
SKIPPED = "import pytest\n\n\n@pytest.mark.skip\ndef test_nothing():\n    pass\n"
NARROW = "from features.region.north import north\n\n\ndef test_north():\n    assert north('a')\n"


@pytest.fixture
def handed_in(client, tmp_path):
    """``handed_in(kind=content, ...)``: of a registered version, by CI, for its commit; the answers by kind."""

    def push(**contents):
        made, files = predictions_only(tmp_path, code={"feature_paths": ["features"]})
        http = client("ci")
        assert register(http, made, files).status_code == 201
        answers = {}
        for kind, content in contents.items():
            path = tmp_path / kind
            path.write_bytes(content)
            body = {"kind": kind.replace("_", "-"), "commit": COMMIT, **upload(http, path)}
            answers[kind] = http.post(f"{VERSION}/evidence", json=body)
        return answers

    return push


@pytest.fixture
def found(client, work):
    """``found("DATA-7")``: the finding of a new audit."""

    def audit(test_id, **asked):
        http = client("ci")
        asked |= {"model": "tumour-malignancy", "version": "1.0.0", "checks": [test_id]}
        audit_id = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
        (finding,) = http.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
        return finding

    return audit


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "pass", "Of 7 lines in 4 files under the declared feature paths 6 ran (85.7%); 2 of 2 cases passed."),
        ({"tests__test_features": NARROW}, "fail", "(42.9%)"),
        ({"tests__test_more": "def test_sum():\n    assert 1 + 1 == 3\n"}, "fail", "1 of 3 cases failed: tests"),
        ({"tests__test_features": SKIPPED}, "fail", "0 of 1 cases passed"),
    ],
)
def test_coverage_and_unit_tests_of_a_real_run(handed_in, found, tmp_path, changes, verdict, words):
    coverage, junit = run_pytest(lay_out(tmp_path / "project", **changes), "--cov=.")
    assert {one.status_code for one in handed_in(coverage=coverage, junit=junit).values()} == {201}
    finding = found("DATA-7")
    assert (finding["verdict"], finding["cap"]) == (verdict, None)
    assert words in finding["reason"]
    assert finding["inputs"].keys() == {"coverage", "junit"}


def test_without_the_report_its_absence_is_named(handed_in, found):
    handed_in(junit=b"<testsuite/>")
    finding = found("DATA-7")
    assert finding["verdict"] == "inconclusive"
    assert finding["reason"] == "Missing: a coverage report of the version's tests."
    assert "evidence of the kind coverage" in finding["remedy"]
