"""The commits of a branch, as git in a checkout tells of them. Nothing is fetched."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.connections.translating import commit_event
from app.errors import Invalid
from app.evidence.collecting.git import Repository, ref_of
from app.ledger.events import CommitEvent

FORMAT = "%H%x00%cI%x00%an%x00%s"


def events(folder: Path, repository: str, branch: str, most: int) -> list[CommitEvent]:
    """The newest commits of ``branch``; ``repository`` is its name at the forge.

    Raises:
        Invalid: there is no such repository or branch.
    """
    asked = Repository(folder)
    said = asked.ask("log", "-z", f"--max-count={most}", f"--format={FORMAT}", require_ref(asked, branch), "--")
    fields = said.rstrip("\0").split("\0") if said else []
    return [
        commit_event(repository, branch, commit, datetime.fromisoformat(at), author, subject)
        for commit, at, author, subject in zip(*[iter(fields)] * 4, strict=True)
    ]


def require_ref(repository: Repository, branch: str) -> str:
    """Raises Invalid: the checkout has no such branch."""
    repository.ask("rev-parse", "--git-dir")
    if (ref := ref_of(repository, branch)) is None:
        raise Invalid(f"the checkout has no branch {branch}: fetch it, or name another")
    return ref
