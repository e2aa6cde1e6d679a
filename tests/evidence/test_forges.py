"""Reviews read from forges over HTTP: whatever their schemas allow, page by page, and nothing beyond limits."""

from __future__ import annotations

import json

import pytest

from app.errors import Invalid
from app.evidence.collecting import forge, github, gitlab
from app.evidence.review_record import parse
from tests.evidence import forge_server as planted
from tests.evidence.forge_server import HEAD, MERGE, OLDER, commit, pull, review, serving

TOKEN = "ghp_verysecret"


def of_github(answers, commit=MERGE, repository="o/r", **options):
    with serving(answers, **options) as server, github.connect(server.url, TOKEN) as connection:
        record = github.collect(connection, repository, commit)
    assert parse(record.written()) == record
    return record


def of_gitlab(answers, **options):
    with serving(answers, **options) as server, gitlab.connect(server.url, TOKEN) as connection:
        record = gitlab.collect(connection, "g/p", MERGE)
    assert parse(record.written()) == record
    return record


class TestGitHub:
    def test_a_pull_request_with_its_people_and_reviews(self):
        (change,) = of_github(planted.github()).changes
        assert (change.number, change.base, change.head, change.merged) == (41, "main", HEAD, True)
        assert (change.authors, change.unlinked) == (["ada"], [])
        assert [(one.reviewer, one.state, one.commit, one.bot) for one in change.reviews] == [
            ("bo", "approved", HEAD, False)
        ]

    def test_every_author_and_committer_counts_but_githubs_own(self):
        commits = [commit(OLDER, "cy", "di"), commit(HEAD, "", "", "Em"), commit(HEAD, "ada", "web-flow")]
        (change,) = of_github(planted.github([pull(commits=3)], commits)).changes
        assert change.authors == ["ada", "cy", "di"]
        assert change.unlinked == ["Em <em@example.com>"]

    def test_accounts_that_are_gone(self):
        (change,) = of_github(planted.github(reviews=[review(""), review("bo")])).changes
        assert [one.reviewer for one in change.reviews] == ["bo"]
        assert change.authors == ["ada"]

    def test_comments_are_no_verdict_and_bots_are_told(self):
        reviews = [
            review("bo", "COMMENTED"),
            review("bo", "PENDING"),
            review("bo", "CHANGES_REQUESTED"),
            review("bo", "DISMISSED"),
            review("helper[bot]", kind="Bot"),
        ]
        (change,) = of_github(planted.github(reviews=reviews)).changes
        assert [one.state for one in change.reviews] == ["changes_requested", "dismissed", "approved"]
        assert [one.bot for one in change.reviews] == [False, False, True]

    def test_all_pages_are_read(self):
        reviews = [review(f"reviewer{i}") for i in range(7)]
        (change,) = of_github(planted.github(reviews=reviews), page_size=2).changes
        assert [one.reviewer for one in change.reviews] == [f"reviewer{i}" for i in range(7)]

    def test_what_is_too_long_or_not_listed_is_said(self, monkeypatch):
        monkeypatch.setattr(forge, "MOST_PAGES", 2)
        record = of_github(
            planted.github([pull(commits=300)], reviews=[review(f"r{i}") for i in range(7)]), page_size=2
        )
        assert "reviews has more than" in record.incomplete
        assert "has 300 commits, GitHub lists 2" in record.incomplete
        assert len(record.changes[0].reviews) == 4

    def test_a_commit_without_a_pull_request(self):
        record = of_github(planted.github([]))
        assert (record.changes, record.incomplete) == ([], "")

    def test_the_token_is_sent_and_kept_to_itself(self):
        with serving(planted.github()) as server, github.connect(server.url, TOKEN) as connection:
            record = github.collect(connection, "o/r", MERGE)
            assert {headers["Authorization"] for _, headers in server.requests} == {f"Bearer {TOKEN}"}
            assert {headers["X-GitHub-Api-Version"] for _, headers in server.requests} == {"2022-11-28"}
        assert TOKEN not in record.model_dump_json()

    def test_no_token_sends_none(self):
        with serving(planted.github()) as server, github.connect(server.url, "") as connection:
            github.collect(connection, "o/r", MERGE)
            assert not any("Authorization" in headers for _, headers in server.requests)


class TestGitLab:
    def test_a_merge_request_with_its_people_and_approvals(self):
        (change,) = of_gitlab(planted.gitlab()).changes
        assert (change.number, change.base, change.head, change.merged) == (7, "main", HEAD, True)
        assert (change.authors, change.unlinked) == (["ada"], [])
        assert change.head_at.isoformat() == "2026-01-01T12:00:00+00:00"
        (approval,) = change.reviews
        assert (approval.reviewer, approval.state, approval.at.day, approval.commit) == ("bo", "approved", 2, None)

    def test_names_on_commits_are_tied_to_accounts_of_the_change(self):
        (change,) = of_gitlab(planted.gitlab(commits=[("bo", "Ada"), ("Cy", "BO")])).changes
        assert (change.authors, change.unlinked) == (["ada", "bo"], ["Cy <cy@example.com>"])

    def test_a_version_that_does_not_tell_when(self):
        (change,) = of_gitlab(planted.gitlab(approvals=[("bo", None)])).changes
        assert change.reviews[0].at is None

    def test_a_request_for_changes_comes_after_the_approval(self):
        (change,) = of_gitlab(planted.gitlab(reviewers=[("bo", "requested_changes"), ("cy", "reviewed")])).changes
        assert [(one.reviewer, one.state) for one in change.reviews] == [
            ("bo", "approved"),
            ("bo", "changes_requested"),
        ]

    def test_bots(self):
        answers = planted.gitlab(approvals=[("project_1_bot_2", None), ("bo", None)])
        (change,) = of_gitlab(answers).changes
        assert [one.bot for one in change.reviews] == [True, False]

    def test_open_requests_and_pages(self):
        (change,) = of_gitlab(
            planted.gitlab(state="opened", commits=[(f"P{i}", "Ada") for i in range(5)]), page_size=1
        ).changes
        assert (change.merged, len(change.unlinked)) == (False, 5)

    def test_the_token_is_sent(self):
        with serving(planted.gitlab()) as server, gitlab.connect(server.url, TOKEN) as connection:
            gitlab.collect(connection, "g/p", MERGE)
            assert {headers["PRIVATE-TOKEN"] for _, headers in server.requests} == {TOKEN}


PULLS = f"/repos/o/r/commits/{MERGE}/pulls"


class TestRefused:
    @pytest.mark.parametrize(
        ("special", "words"),
        [
            ((404, {}, {"message": "Not Found"}), "may the token read this repository"),
            ((401, {}, {"message": f"Bad credentials {TOKEN}"}), "Bad credentials ***"),
            ((301, {"Location": "http://127.0.0.1:1/x"}, {}), "it has moved"),
            ((500, {}, b"<html>"), "answered 500"),
            ((200, {}, b"no json"), "something else than a list"),
            ((200, {}, {"message": "x"}), "something else than a list"),
            ((200, {}, [1]), "something else than a list"),
            ((200, {}, [{"number": "../../x"}]), "answered 404"),
            ((200, {}, [{}]), "not what its schema says: 'number'"),
            ((200, {"Link": '<http://127.0.0.1:1/next>; rel="next"'}, []), "on another host"),
            ((200, {}, b"[" + b" " * 200 + b"]"), "larger than 100 bytes"),
        ],
    )
    def test_answers_that_are_none(self, special, words, monkeypatch):
        monkeypatch.setattr(forge, "MOST_BYTES", 100)
        with pytest.raises(Invalid) as refusal:
            of_github(planted.github(), special={PULLS: special})
        assert words in refusal.value.detail
        assert TOKEN not in refusal.value.detail

    @pytest.mark.parametrize(
        "changes", [{"head": {"sha": "main"}}, {"user": "ada"}, {"merged": None}, {"commits": None}]
    )
    def test_answers_of_another_schema(self, changes):
        path = "/repos/o/r/pulls/41"
        with pytest.raises(Invalid, match="not what its schema says"):
            of_github(planted.github(), special={path: (200, {}, pull() | changes)})

    def test_gitlabs_of_another_schema(self):
        path = "/projects/g%2Fp/merge_requests/7/approvals"
        with pytest.raises(Invalid, match="GitLab's answer is not what its schema says"):
            of_gitlab(planted.gitlab(), special={path: (200, {}, {"approved_by": [{}]})})

    def test_nobody_there(self):
        with serving({}) as server:
            url = server.url
        with github.connect(url, TOKEN) as connection, pytest.raises(Invalid, match="does not answer"):
            github.collect(connection, "o/r", MERGE)

    def test_a_forge_that_takes_too_long(self, monkeypatch):
        monkeypatch.setattr(forge, "SECONDS", -1.0)
        with pytest.raises(Invalid, match="took longer"):
            of_github(planted.github())

    @pytest.mark.parametrize("repository", ["o", "o/r/x", "/r", "o/"])
    def test_repositories(self, repository):
        with pytest.raises(Invalid, match="OWNER/NAME"):
            of_github(planted.github(), repository=repository)

    @pytest.mark.parametrize(("url", "token"), [("ftp://x", ""), ("https://x", "a\nb"), ("https://x", "schlüssel")])
    def test_addresses_and_tokens(self, url, token):
        with pytest.raises(Invalid) as refusal:
            github.connect(url, token)
        assert not token or token not in refusal.value.detail


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"forge": "gitea"}, "forge"), ({"commit": "abc"}, "commit"), ({"changes": [{"number": 1}]}, "changes.0.url")],
)
def test_documents_of_another_form(changes, path):
    document = json.loads(of_github(planted.github()).model_dump_json())
    with pytest.raises(Invalid, match=f"review record: {path}: "):
        parse(json.dumps(document | changes).encode())
