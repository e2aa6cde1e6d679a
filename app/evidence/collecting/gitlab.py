"""Approvals of a commit's merge requests, from GitLab's REST API (v4).

Schemas: https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit,
https://docs.gitlab.com/api/merge_request_approvals/ and https://docs.gitlab.com/api/merge_requests/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from app.errors import Invalid
from app.evidence.collecting.forge import Answer, Forge, unique
from app.evidence.review_record import Change, Review, ReviewRecord

URL = "https://gitlab.com/api/v4"
TOKEN = "GITLAB_TOKEN"


def connect(url: str, token: str) -> Forge:
    """A connection; ``token`` may be "" for a public project."""
    return Forge(url, {"PRIVATE-TOKEN": token} if token else {}, token)


def collect(forge: Forge, project: str, commit: str) -> ReviewRecord:
    """Every merge request that the full ``commit`` came with. ``project``: its path, group/name.

    Raises:
        Invalid: there is no such project or commit, or GitLab answers otherwise than it says.
    """
    root = f"projects/{quote(project, safe='')}"
    try:
        requests = forge.all(f"{root}/repository/commits/{commit}/merge_requests")
        changes = [_change(forge, f"{root}/merge_requests/{request['iid']}") for request in requests]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Invalid(f"GitLab's answer is not what its schema says: {error}") from None
    return ReviewRecord(
        forge="gitlab",
        url=forge.url[:1000],
        repository=project,
        commit=commit,
        collected_at=datetime.now(UTC),
        changes=changes,
        incomplete="; ".join(forge.incomplete)[:1000],
    )


def _change(forge: Forge, path: str) -> Change:
    request, approvals = forge.one(path), forge.one(f"{path}/approvals")
    versions, reviewers = forge.all(f"{path}/versions"), forge.all(f"{path}/reviewers")
    approved = [one["user"] for one in approvals["approved_by"]]
    accounts = _accounts([request["author"], *approved, *(one["user"] for one in reviewers)])
    names = [
        (c[f"{part}_name"], c[f"{part}_email"])
        for c in forge.all(f"{path}/commits")
        for part in ("author", "committer")
    ]
    known = {name: accounts.get(name.casefold(), "") for name, _ in names}
    return Change(
        number=request["iid"],
        url=request["web_url"],
        base=request["target_branch"],
        head=request["sha"],
        head_at=next((one["created_at"] for one in versions if one["head_commit_sha"] == request["sha"]), None),
        merged=request["state"] == "merged",
        authors=unique([request["author"]["username"], *known.values()]),
        unlinked=unique(f"{name} <{email}>" for name, email in names if not known[name]),
        reviews=[*_approvals(approvals), *_requests(reviewers)],
    )


def _accounts(users: Iterable[Answer]) -> Mapping[str, str]:
    """Account by name as shown: GitLab's commits have no accounts, only what git was told."""
    users = list(users)
    return {one[key].casefold(): one["username"] for key in ("name", "username") for one in users}


def _approvals(approvals: Answer) -> Iterator[Review]:
    """Those that stand; GitLab has taken the others away. Older ones do not tell when."""
    for one in approvals["approved_by"]:
        yield Review(
            reviewer=one["user"]["username"], state="approved", at=one.get("approved_at"), bot=_bot(one["user"])
        )


def _requests(reviewers: Iterable[Answer]) -> Iterator[Review]:
    """A reviewer who asked for changes, whatever was approved before."""
    for one in reviewers:
        if one["state"] == "requested_changes":
            yield Review(reviewer=one["user"]["username"], state="changes_requested", bot=_bot(one["user"]))


def _bot(user: Answer) -> bool:
    """Projects' and groups' access tokens act under such names; the approvals API does not say who is a bot."""
    name = user["username"]
    return bool(user.get("bot")) or (name.startswith(("project_", "group_")) and "_bot" in name)
