"""Who may read each layer of the data: JSON ``{"raw": ["group:risk"], "features": [...], "training": [...]}``.

Principals are compared as text: users, groups, service accounts, as the storage system names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.errors import FieldError, Invalid

Principals = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]],
    Field(max_length=100_000),
]


class AccessLists(BaseModel):
    """``raw`` and at least one layer that is made from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    raw: Principals
    features: Principals | None = None
    training: Principals | None = None


def parse(content: bytes) -> Mapping[str, frozenset[str]]:
    """Layer -> principals.

    Raises:
        Invalid: naming what is wrong, unless it is JSON of that form.
    """
    try:
        lists = AccessLists.model_validate_json(content)
    except ValidationError as error:
        found = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_input=False)]
        raise Invalid(f"This is no access list: {found[0].path} {found[0].message}.", found) from None
    layers = {name: frozenset(given) for name, given in lists if given is not None}
    if len(layers) == 1:
        raise Invalid("This is no access list: beside raw it names neither features nor training.")
    return layers
