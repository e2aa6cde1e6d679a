"""When features were proposed, as JSON; docs/evidence.md shows the form."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from app.evidence.documents import Document, Short


class Proposal(Document):
    """``link``: where it can be read, such as an issue."""

    feature: Short
    proposed_at: AwareDatetime
    link: Short = ""


class Proposals(Document):
    proposals: Annotated[list[Proposal], Field(min_length=1, max_length=5000)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.feature for one in self.proposals]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the feature {twice!r} is there twice")
        return self


def parse(content: bytes) -> Proposals:
    """Raises Invalid, naming what is wrong, unless it is JSON of that form."""
    return Proposals.read(content, "a history of features")
