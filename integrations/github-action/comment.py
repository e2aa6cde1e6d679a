"""Write a Markdown report to a pull request: one comment, found again by its first line and updated.

Usage: comment.py FILE. Reads GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and NUMBER, as an action has them.
Standard library only: it runs with whatever Python the runner has.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

PAGE = 100
TIMEOUT = 30
LONGEST = 65_000
"""Characters; GitHub refuses comments of more than 65,536."""


def ask(method: str, path: str, body: dict | None = None) -> object:
    """The answer's JSON; raises urllib.error.HTTPError when it was refused."""
    address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - the runner's own API
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        return json.load(answer)


def known_comment(issue: str, marker: str) -> int | None:
    """The id of the comment that begins with ``marker``."""
    page = 1
    while True:
        comments = ask("GET", f"issues/{issue}/comments?per_page={PAGE}&page={page}")
        for comment in comments:
            if comment["body"].startswith(marker):
                return comment["id"]
        if len(comments) < PAGE:
            return None
        page += 1


def main() -> None:
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition("\n")[0] + "\n\nCut here; the job's summary has it all."
    issue = str(int(os.environ["NUMBER"]))
    known = known_comment(issue, text.partition("\n")[0])
    if known is None:
        ask("POST", f"issues/{issue}/comments", {"body": text})
    else:
        ask("PATCH", f"issues/comments/{known}", {"body": text})


if __name__ == "__main__":
    main()
