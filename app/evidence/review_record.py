"""What a forge says of the reviews of a version's commit, as JSON, by ``assay evidence collect github|gitlab``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.evidence.documents import Document, FullCommit, Short


class Review(Document):
    """Somebody's verdict on a change. ``commit`` is the one that was looked at, where the forge tells."""

    reviewer: Short
    state: Literal["approved", "changes_requested", "dismissed"]
    at: AwareDatetime | None = None
    commit: FullCommit | None = None
    bot: bool = False


class Change(Document):
    """A pull or merge request that the commit came with.

    ``head`` is its last commit, pushed at ``head_at`` where the forge tells. ``authors`` are the accounts of those
    who opened it and who wrote or committed its commits; ``unlinked`` are names on commits that the forge ties to
    no account.
    """

    number: int
    url: Short
    base: Short
    head: FullCommit
    head_at: AwareDatetime | None = None
    merged: bool
    authors: Annotated[list[Short], Field(max_length=1000)]
    unlinked: Annotated[list[Short], Field(max_length=1000)] = []
    reviews: Annotated[list[Review], Field(max_length=5000)] = []


class ReviewRecord(Document):
    """All changes that a commit came with. ``url``: the address of the API that was asked, "" in older records.
    ``incomplete``: what could not be read, or "".
    """

    forge: Literal["github", "gitlab"]
    url: Short = ""
    repository: Short
    commit: FullCommit
    collected_at: AwareDatetime
    changes: Annotated[list[Change], Field(max_length=100)]
    incomplete: Short = ""


def parse(content: bytes) -> ReviewRecord:
    """Raises Invalid, naming what is wrong, unless it is JSON of that form."""
    return ReviewRecord.read(content, "a review record")
