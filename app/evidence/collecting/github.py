"""Reviews of a commit's pull requests, from GitHub's REST API (version 2022-11-28).

Schemas: https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit and
https://docs.github.com/en/rest/pulls/reviews
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from app.errors import Invalid
from app.evidence.collecting.forge import Answer, Forge, unique
from app.evidence.review_record import Change, Review, ReviewRecord

URL = "https://api.github.com"
TOKEN = "GITHUB_TOKEN"
STATES = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "DISMISSED": "dismissed"}
"""A comment or a pending review is no verdict."""
NOBODY = "web-flow"
"""Commits what is merged or edited on GitHub's own pages; the author is somebody else."""


def connect(url: str, token: str) -> Forge:
    """A connection; ``token`` may be "" for a public repository."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return Forge(url, headers | ({"Authorization": f"Bearer {token}"} if token else {}), token)


def collect(forge: Forge, repository: str, commit: str) -> ReviewRecord:
    """Every pull request that the full ``commit`` came with. ``repository``: owner/name.

    Raises:
        Invalid: there is no such repository or commit, or GitHub answers otherwise than it says.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise Invalid(f"{repository!r}: write OWNER/NAME")
    try:
        pulls = forge.all(f"repos/{repository}/commits/{commit}/pulls")
        changes = [_change(forge, repository, pull["number"]) for pull in pulls]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Invalid(f"GitHub's answer is not what its schema says: {error}") from None
    return ReviewRecord(
        forge="github",
        url=forge.url[:1000],
        repository=repository,
        commit=commit,
        collected_at=datetime.now(UTC),
        changes=changes,
        incomplete="; ".join(forge.incomplete)[:1000],
    )


def _change(forge: Forge, repository: str, number: int) -> Change:
    path = f"repos/{repository}/pulls/{number}"
    pull, commits = forge.one(path), forge.all(f"{path}/commits")
    if pull["commits"] > len(commits):
        forge.incomplete.append(f"pull request {number} has {pull['commits']} commits, GitHub lists {len(commits)}")
    people = list(_people(commits))
    return Change(
        number=number,
        url=pull["html_url"],
        base=pull["base"]["ref"],
        head=pull["head"]["sha"],
        merged=pull["merged"],
        authors=unique([_login(pull["user"]), *(login for login, _ in people)]),
        unlinked=unique(name for login, name in people if not login),
        reviews=list(_reviews(forge.all(f"{path}/reviews"))),
    )


def _people(commits: Iterable[Answer]) -> Iterator[tuple[str, str]]:
    """(account or "", name and address) of whoever wrote or committed something."""
    for commit in commits:
        for part in ("author", "committer"):
            login, said = _login(commit[part]), commit["commit"][part] or {}
            if login != NOBODY:
                yield login, f"{said.get('name', '')} <{said.get('email', '')}>"


def _login(user: Answer | None) -> str:
    """An account is null where it is gone or was never known."""
    return str((user or {}).get("login", ""))


def _reviews(reviews: Iterable[Answer]) -> Iterator[Review]:
    """As GitHub lists them, oldest first. Whose account is gone is nobody in particular, and does not count."""
    for review in reviews:
        if review["state"] in STATES and review["user"]:
            yield Review(
                reviewer=review["user"]["login"],
                state=STATES[review["state"]],
                at=review.get("submitted_at"),
                commit=review["commit_id"],
                bot=review["user"]["type"] == "Bot",
            )
