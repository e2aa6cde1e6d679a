"""What every JSON document of evidence shares: strict fields, and a refusal that names the field."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from app.errors import FieldError, Invalid

FullCommit = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Short = Annotated[str, StringConstraints(max_length=1000)]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Document = TypeVar("Document", bound=Record)


def read(content: bytes, form: type[Document], what: str) -> Document:
    """The document; ``what`` ("a review record") words the refusal.

    Raises:
        Invalid: it is none; names the first ten fields that are wrong.
    """
    try:
        return form.model_validate_json(content)
    except ValidationError as error:
        found = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()[:10]]
        raise Invalid(f"This is not {what}: {found[0].path} {found[0].message}.", found) from None
