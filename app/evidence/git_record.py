"""What git says of a version's commit, as JSON; ``assay evidence collect git`` writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from app.evidence.documents import Document, FullCommit, Short

MOST_CHANGES = 50
MOST_PEOPLE = 1000


class Person(Document):
    name: Short
    email: Short


class Trailer(Document):
    """A line at the end of a commit's message, such as ``Reviewed-by: Ada <ada@example.com>``."""

    key: Short
    value: Short


class FirstSeen(Document):
    """The first commit that named a feature below the feature paths; without one, ``why`` says what was in the way.

    ``at`` is when it was written: the author's date, or the committer's where that is earlier.
    """

    feature: Short
    commit: FullCommit | None = None
    at: AwareDatetime | None = None
    why: Short = ""


class GitRecord(Document):
    """One commit. What git cannot tell is null, and ``reachable_why`` or ``clean_why`` says why.

    ``reachable``: from ``protected_branch``, as ``reachable_from`` (a ref) has it. ``clean``: the files checked out
    are the commit's, and there are no others but ignored ones; ``changes`` has the first of those that are not,
    ``changed`` how many there are. ``authors``, ``committers`` and ``trailers`` are those of the change: of the
    commit and, where it is a merge, of all that it brought in. ``shallow``: the clone's history is cut off.
    """

    commit: FullCommit
    collected_at: AwareDatetime
    tool: Short
    protected_branch: Short
    reachable: bool | None
    reachable_from: Short | None = None
    reachable_why: Short = ""
    clean: bool | None
    clean_why: Short = ""
    changes: Annotated[list[Short], Field(max_length=MOST_CHANGES)] = []
    changed: Annotated[int, Field(ge=0)] = 0
    shallow: bool
    authors: Annotated[list[Person], Field(min_length=1, max_length=MOST_PEOPLE)]
    committers: Annotated[list[Person], Field(min_length=1, max_length=MOST_PEOPLE)]
    trailers: Annotated[list[Trailer], Field(max_length=MOST_PEOPLE)] = []
    feature_paths: Annotated[list[Short], Field(max_length=1000)] = []
    features: Annotated[list[FirstSeen], Field(max_length=5000)] = []


def parse(content: bytes) -> GitRecord:
    """Raises Invalid, naming what is wrong, unless it is JSON of that form."""
    return GitRecord.read(content, "a record of what git says")
