"""What the JSON documents that are handed in have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.errors import Invalid
from app.validation import explain

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=250)]
Short = Annotated[str, StringConstraints(max_length=1000)]
FullCommit = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Scalar = bool | int | Number | Annotated[str, StringConstraints(max_length=6000)] | None
Value = Scalar | list[Scalar]
"""Of a parameter."""

MOST_TOLD = 5


class Document(BaseModel):
    """Unknown keys are errors, so that a misspelt one is never silently nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, content: bytes, what: str) -> Self:
        """Parse JSON; ``what`` it should be is told to whoever sent something else.

        Raises:
            Invalid: names the path of everything that is wrong.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            found = explain(error, cls)
            told = "; ".join(f"{one.path}: {one.message}" if one.path else one.message for one in found[:MOST_TOLD])
            more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
            raise Invalid(f"This is not {what}: {told}{more}.", found) from None

    def written(self) -> bytes:
        """As JSON, indented, without what was left out."""
        return self.model_dump_json(indent=2, exclude_defaults=True).encode() + b"\n"


class Source(Document):
    """The tool that recorded it, and what it is called there (a study, an experiment, a pipeline)."""

    tool: Word
    name: Word


def require_once(what: str, names: Iterable[str]) -> None:
    """Raises ValueError naming the first of ``names`` that is there twice."""
    if twice := next((name for name, count in Counter(names).items() if count > 1), None):
        raise ValueError(f"the {what} {twice!r} is there twice")
