"""A forge on this machine: answers by published schemas, and where GitLab has none by its documentation."""

from __future__ import annotations

import copy
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import validate

MERGE, HEAD, OLDER = "c" * 40, "b" * 40, "a" * 40


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


TEXT, WHOLE, YES = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
SHA = {"type": "string", "pattern": "^[0-9a-f]{40}$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
MEMBER = obj(id=WHOLE, username=TEXT, name=TEXT, state=TEXT, web_url=TEXT)

PUBLISHED = json.loads(Path(__file__).with_name("github").joinpath("rest.json").read_text())
GITHUB = {  # of lists the schema of an item
    name: {**answer.get("items", answer), "schemas": PUBLISHED["schemas"]}
    for name, answer in PUBLISHED["answers"].items()
}
MAYBE_TEXT, MAYBE_YES = {"type": ["string", "null"]}, {"type": ["boolean", "null"]}
MAYBE_OBJECT = {"type": ["object", "null"]}
MERGE_REQUEST = obj(
    **dict.fromkeys(["id", "iid", "project_id", "source_project_id", "target_project_id"], WHOLE),
    **dict.fromkeys(["upvotes", "downvotes", "user_notes_count"], WHOLE),
    **dict.fromkeys(["title", "target_branch", "source_branch", "merge_status", "web_url"], TEXT),
    **dict.fromkeys(["created_at", "updated_at"], TIME),
    **dict.fromkeys(["description", "merge_commit_sha"], MAYBE_TEXT),
    **dict.fromkeys(["work_in_progress", "merge_when_pipeline_succeeds", "squash"], YES),
    **dict.fromkeys(["should_remove_source_branch", "force_remove_source_branch"], MAYBE_YES),
    **dict.fromkeys(["assignee", "milestone"], MAYBE_OBJECT),
    sha=SHA,
    author=MEMBER,
    labels={"type": "array", "items": TEXT},
    state={"enum": ["opened", "closed", "locked", "merged"]},
)
"""Keys and types of GitLab's own tests: spec/fixtures/api/schemas/public_api/v4/merge_request.json."""
COMMIT = obj(
    id=SHA,
    parent_ids={"type": ["array", "null"], "items": SHA},
    **dict.fromkeys(["authored_date", "committed_date", "created_at"], TIME),
    **dict.fromkeys(["short_id", "title", "message", "web_url"], TEXT),
    **dict.fromkeys(["author_name", "author_email", "committer_name", "committer_email"], TEXT),
)
"""Those of commit/basic.json, beside it."""
GITLAB = {  # approvals, versions and reviewers: what the collector reads, as GitLab documents it
    "merge_requests": MERGE_REQUEST,
    "merge_request": MERGE_REQUEST,
    "approvals": obj(approved_by={"type": "array", "items": obj(user=MEMBER)}),
    "versions": obj(id=WHOLE, head_commit_sha=SHA, base_commit_sha=SHA, created_at=TIME),
    "reviewers": obj(user=MEMBER, state=TEXT, created_at=TIME),
    "mr_commits": COMMIT,
}


def published(answer: str, **changes: Any) -> dict[str, Any]:
    """GitHub's example of an answer, with other values."""
    return {**copy.deepcopy(PUBLISHED["examples"][answer]), **changes}


def user(login: str, kind: str = "User") -> dict[str, Any]:
    return published("reviews")["user"] | {"login": login, "id": 1, "type": kind}


def pull(number=41, *, author="ada", merged=True, head=HEAD, commits=2) -> dict[str, Any]:
    made = published("pull")
    return made | {
        "number": number,
        "html_url": f"https://forge.example.com/o/r/pull/{number}",
        "state": "closed" if merged else "open",
        "user": user(author),
        "merged": merged,
        "merged_at": "2026-01-03T00:00:00Z" if merged else None,
        "merge_commit_sha": MERGE if merged else None,
        "commits": commits,
        "head": made["head"] | {"sha": head, "ref": "feature"},
        "base": made["base"] | {"sha": OLDER, "ref": "main"},
        "requested_teams": [],  # the example's own has a team that the schema does not allow
    }


def listed(one: dict[str, Any]) -> dict[str, Any]:
    """The pull request as a list has it."""
    made = published("pulls")
    return {key: one.get(key, value) for key, value in made.items()}


def commit(sha=HEAD, author="ada", committer="web-flow", name="Ada") -> dict[str, Any]:
    made = published("commits")
    who = {"name": name, "email": f"{name.lower()}@example.com", "date": "2026-01-01T00:00:00Z"}
    return made | {
        "sha": sha,
        "commit": made["commit"] | {"author": who, "committer": who, "message": "work"},
        "author": user(author) if author else None,
        "committer": user(committer) if committer else None,
    }


def review(login="bo", state="APPROVED", sha=HEAD, kind="User") -> dict[str, Any]:
    return published(
        "reviews",
        user=user(login, kind) if login else None,
        state=state,
        commit_id=sha,
        submitted_at="2026-01-02T00:00:00Z",
    )


def member(username: str, name: str = "", **more: Any) -> dict[str, Any]:
    url = f"https://gitlab.example.com/{username}"
    return {
        "id": 1,
        "username": username,
        "name": name or username.title(),
        "state": "active",
        "web_url": url,
        **more,
    }


def github(pulls=None, commits=None, reviews=None) -> dict[str, Any]:
    """The paths of repository o/r, and what lies there."""
    pulls = [pull()] if pulls is None else pulls
    found: dict[str, Any] = {f"/repos/o/r/commits/{MERGE}/pulls": ([listed(one) for one in pulls], "pulls")}
    for one in pulls:
        path = f"/repos/o/r/pulls/{one['number']}"
        found[path] = (one, "pull")
        found[f"{path}/commits"] = ([commit(OLDER), commit()] if commits is None else commits, "commits")
        found[f"{path}/reviews"] = ([review()] if reviews is None else reviews, "reviews")
    return found


def gitlab(
    approvals=(("bo", "2026-01-02T00:00:00Z"),), commits=(("Ada", "Ada"),), reviewers=(), state="merged"
) -> dict[str, Any]:
    """The paths of the project g/p, and what lies there; the head was pushed on 1 January at noon."""
    root = "/projects/g%2Fp"
    path = f"{root}/merge_requests/7"
    request = {
        "id": 70,
        "iid": 7,
        "state": state,
        "sha": HEAD,
        "author": member("ada"),
        "assignee": None,
        "title": "work",
        "description": None,
        "source_branch": "feature",
        "target_branch": "main",
        "merge_commit_sha": MERGE if state == "merged" else None,
        "merge_status": "can_be_merged",
        "web_url": "https://gitlab.example.com/g/p/-/merge_requests/7",
        "labels": [],
        "milestone": None,
        "created_at": "2025-12-30T12:00:00.000Z",
        "updated_at": "2026-01-03T00:00:00.000Z",
        **dict.fromkeys(["project_id", "source_project_id", "target_project_id"], 1),
        **dict.fromkeys(["upvotes", "downvotes", "user_notes_count"], 0),
        **dict.fromkeys(["work_in_progress", "merge_when_pipeline_succeeds", "squash"], False),
        **dict.fromkeys(["should_remove_source_branch", "force_remove_source_branch"]),
    }
    approved = [{"user": member(name)} | ({"approved_at": at} if at else {}) for name, at in approvals]
    versions = [
        {"id": i, "head_commit_sha": sha, "base_commit_sha": OLDER, "created_at": at}
        for i, sha, at in ((2, HEAD, "2026-01-01T12:00:00.000Z"), (1, OLDER, "2025-12-30T12:00:00.000Z"))
    ]
    made = [
        {
            "id": HEAD,
            "short_id": HEAD[:8],
            "parent_ids": [OLDER],
            "title": "work",
            "message": "work",
            "web_url": f"https://gitlab.example.com/g/p/-/commit/{HEAD}",
            **dict.fromkeys(["authored_date", "committed_date", "created_at"], "2026-01-01T11:00:00.000+00:00"),
            "author_name": author,
            "author_email": f"{author.lower()}@example.com",
            "committer_name": committer,
            "committer_email": f"{committer.lower()}@example.com",
        }
        for author, committer in commits
    ]
    asked = [
        {"user": member(name), "state": state, "created_at": "2026-01-01T00:00:00Z"} for name, state in reviewers
    ]
    return {
        f"{root}/repository/commits/{MERGE}/merge_requests": ([request], "merge_requests"),
        path: (request, "merge_request"),
        f"{path}/approvals": ({"approved_by": approved}, "approvals"),
        f"{path}/versions": (versions, "versions"),
        f"{path}/reviewers": (asked, "reviewers"),
        f"{path}/commits": (made, "mr_commits"),
    }


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        asked = urlsplit(self.path)
        server.requests.append((self.path, dict(self.headers)))
        if asked.path in server.special:
            status, headers, body = server.special[asked.path]
        elif asked.path not in server.answers:
            status, headers, body = 404, {}, {"message": "Not Found"}
        else:
            status, headers, body = 200, *self._page(asked)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _page(self, asked: Any) -> tuple[dict[str, str], Any]:
        body, schema = self.server.answers[asked.path]
        for item in body if isinstance(body, list) else [body]:
            validate(item, (GITHUB | GITLAB)[schema])
        if not isinstance(body, list):
            return {}, body
        query = parse_qs(asked.query)
        page, size = int(query.get("page", ["1"])[0]), min(int(query["per_page"][0]), self.server.page_size)
        following = f"{self.server.url}{asked.path}?per_page={size}&page={page + 1}"
        headers = {"Link": f'<{following}>; rel="next"'} if page * size < len(body) else {}
        return headers, body[(page - 1) * size : page * size]

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(answers: dict[str, Any], page_size: int = 100, special: dict[str, Any] | None = None):
    """A server with ``url`` and the ``requests`` that came; ``special``: path -> (status, headers, body)."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.answers, server.page_size, server.special, server.requests = answers, page_size, special or {}, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
