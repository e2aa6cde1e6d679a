"""What tools really write about code, handed in over HTTP, audited by the worker, and what was found then."""

from __future__ import annotations

import json

import pytest

from app.evidence.collecting import git, github, gitlab
from tests.catalog.releases import predictions_only, register, upload
from tests.evidence import forge_server as forge
from tests.evidence.measured_project import lay_out, run_pytest
from tests.evidence.repositories import BO, repository

VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"
COMMIT = "3f2a91c"
SKIPPED = "import pytest\n\n\n@pytest.mark.skip\ndef test_nothing():\n    pass\n"
NARROW = "from features.region.north import north\n\n\ndef test_north():\n    assert north('a')\n"


@pytest.fixture
def handed_in(client, tmp_path):
    """``handed_in(kind=content, ...)``: of a registered version, by CI, for its commit; the answers by kind."""

    def push(commit=COMMIT, **contents):
        made, files = predictions_only(tmp_path, code={"feature_paths": ["features"]}, version__commit=commit)
        http = client("ci")
        assert register(http, made, files).is_success
        answers = {}
        for kind, content in contents.items():
            path = tmp_path / kind
            path.write_bytes(content)
            body = {"kind": kind.replace("_", "-"), "commit": commit, **upload(http, path)}
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
    assert finding["inputs"].keys() == {"coverage", "junit", "organisation policy"}


def test_without_the_report_its_absence_is_named(handed_in, found):
    handed_in(junit=b"<testsuite/>")
    finding = found("DATA-7")
    assert finding["verdict"] == "inconclusive"
    assert finding["reason"] == "Missing: a coverage report of the version's tests."
    assert "evidence of the kind coverage" in finding["remedy"]


def written(record):
    return record.written()


@pytest.fixture
def merged(tmp_path):
    """A repository whose main branch has a merge of somebody's work; its commit is the version's."""
    made = repository(tmp_path / "made")
    made.commit("first", features__income="income = 1\n")
    made.git("switch", "--quiet", "--create", "side")
    made.commit("work", author=BO, features__debt="debt = 1\n")
    made.git("switch", "--quiet", "main")
    made.git("merge", "--quiet", "--no-ff", "side", "--message", "merge\n\nReviewed-by: Cy <cy@example.com>")
    return made


def reviewed(commit, answers):
    told = {path.replace(forge.MERGE, commit): answer for path, answer in answers.items()}
    with forge.serving(told) as server, github.connect(server.url, "") as connection:
        return written(github.collect(connection, "o/r", commit))


def test_what_git_and_the_forge_say_of_the_commit(handed_in, found, merged):
    commit = merged.git("rev-parse", "HEAD")
    said = written(git.collect(merged.folder, "main", ["features"], ["debt"]))
    answers = handed_in(commit, git=said, review=reviewed(commit, forge.github()))
    assert {kind: one.json()["commit"] for kind, one in answers.items()} == {"git": commit, "review": commit}
    finding = found("MODEL-1")
    assert (finding["verdict"], finding["cap"]) == ("pass", None)
    assert "bo approved https://forge.example.com/o/r/pull/41 (github, http://127.0.0.1:" in finding["reason"]
    assert finding["inputs"].keys() == {"git", "review", "organisation policy"}


def on_gitlab(commit, **planted):
    """What `assay evidence collect gitlab` says of the commit, and the address that it asked."""
    told = {path.replace(forge.MERGE, commit): answer for path, answer in forge.gitlab(**planted).items()}
    with forge.serving(told) as server, gitlab.connect(server.url, "") as connection:
        return written(gitlab.collect(connection, "g/p", commit)), server.url


@pytest.mark.parametrize(
    ("planted", "verdict", "words"),
    [
        ({}, "pass", "bo approved {change} (gitlab, {url})."),
        ({"approvals": [("ada", "2026-01-02T00:00:00Z")]}, "fail", "for {change}: ada (own work)."),
        ({"approvals": []}, "fail", "1 approvals by somebody else are needed for {change}"),
        ({"approvals": [("bo", "2026-01-01T11:00:00Z")]}, "fail", "bo (approved an earlier commit)"),
        ({"approvals": [("bo", None)]}, "inconclusive", "does not tell"),
        ({"reviewers": [("bo", "requested_changes")]}, "fail", "bo (changes requested)"),
    ],
)
def test_what_gitlab_says_of_the_commit(handed_in, found, merged, blobs, planted, verdict, words):
    commit = merged.git("rev-parse", "HEAD")
    record, url = on_gitlab(commit, **planted)
    handed_in(commit, git=written(git.collect(merged.folder)), review=record)
    finding = found("MODEL-1")
    assert (finding["verdict"], finding["cap"]) == (verdict, None), finding["reason"]
    change = "https://gitlab.example.com/g/p/-/merge_requests/7"
    assert words.format(change=change, url=url) in finding["reason"]
    stored = json.loads(blobs.path(finding["inputs"]["review"]).read_bytes())
    assert (stored["forge"], stored["url"], stored["repository"]) == ("gitlab", url, "g/p")
    assert [one["url"] for one in stored["changes"]] == [change]


def test_an_authors_own_approval_and_a_changed_file(handed_in, found, merged, client):
    commit = merged.git("rev-parse", "HEAD")
    own = reviewed(commit, forge.github(reviews=[forge.review("ada")]))
    handed_in(commit, git=written(git.collect(merged.folder)), review=own)
    assert "ada (own work)" in found("MODEL-1")["reason"]
    merged.write(features__debt="debt = 2\n")
    handed_in(commit, git=written(git.collect(merged.folder)))
    finding = found("MODEL-1")
    assert finding["verdict"] == "fail"
    assert finding["reason"].endswith("were not in it: features/debt.py.")


def test_a_trailer_earns_half_at_most(handed_in, found, merged):
    commit = merged.git("rev-parse", "HEAD")
    handed_in(commit, git=written(git.collect(merged.folder)))
    finding = found("MODEL-1")
    assert finding["verdict"] == "pass"
    assert "cy@example.com approved commit" in finding["reason"]
    assert finding["cap"] == "approved in a trailer of the commit's message, which its author can write"


def test_without_any_review_its_absence_is_named(handed_in, found, merged):
    commit = merged.commit("no trailer")
    handed_in(commit, git=written(git.collect(merged.folder)))
    finding = found("MODEL-1")
    assert (finding["verdict"], finding["reason"]) == (
        "inconclusive",
        "Missing: a record of who reviewed the commit.",
    )


def test_a_document_about_another_commit_is_refused_with_both_named(handed_in, merged, client, tmp_path):
    first = merged.git("rev-parse", "HEAD~1")
    commit = merged.git("rev-parse", "HEAD")
    answers = handed_in(
        commit, git=written(git.collect(merged.folder, commit=first)), review=reviewed(first, forge.github())
    )
    for answer in answers.values():
        assert answer.status_code == 409
        assert first in answer.text
        assert commit in answer.text
    http = client("ci")
    path = tmp_path / "git"  # nobody says which commit it is about but the document itself
    answer = http.post(f"{VERSION}/evidence", json={"kind": "git", **upload(http, path)})
    assert answer.status_code == 409
    assert f"made from commit {first}, the version from {commit}" in answer.text


def test_a_document_ties_itself_to_its_commit(handed_in, merged, client, tmp_path):
    commit = merged.git("rev-parse", "HEAD")
    handed_in(commit)
    http, path = client("ci"), tmp_path / "git"
    path.write_bytes(written(git.collect(merged.folder)))
    answer = http.post(f"{VERSION}/evidence", json={"kind": "git", **upload(http, path)}).json()
    assert (answer["commit"], answer["cap"]) == (commit, None)
