"""The organisation's own policy: what it bans and demands over the head of a model's owner. ``docs/policy.md``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from pydantic import ValidationError
from sqlmodel import Session, col, select

from app import validation
from app.catalog import yamlfile
from app.catalog.manifest import Column, Part, SlicePart, Text
from app.tables import Policy
from checks.evidence import OrganisationPolicy, Slice

NAME = "organisation"
"""The policy of this name; no environment can be called so."""


class OrganisationForm(Part):
    """The whole file. Names of features, columns and sources may be patterns (``*_ssn``); case does not matter.
    ``floor`` is the gate's to read.
    """

    assay_policy: Literal[1]
    name: Literal["organisation"]
    banned_features: list[Text] = []
    deprecated_features: list[Text] = []
    banned_sources: list[Text] = []
    sensitive: list[Column] = []
    slices: list[SlicePart] = []
    personal: list[Column] = []
    floor: dict[str, Any] | None = None


@lru_cache(maxsize=8)
def parse(text: str, filename: str = "organisation.yaml") -> OrganisationPolicy:
    """Read the organisation's policy.

    Raises:
        Invalid: with file, line, path and the nearest valid key of everything that is wrong.
    """
    data, lines = yamlfile.load(text, filename)
    try:
        form = OrganisationForm.model_validate(data)
    except ValidationError as error:
        raise yamlfile.refuse(filename, validation.explain(error, OrganisationForm, lines)) from None
    return OrganisationPolicy(
        tuple(form.banned_features),
        tuple(form.deprecated_features),
        tuple(form.banned_sources),
        tuple(form.sensitive),
        tuple(Slice(part.name, part.where) for part in form.slices),
        tuple(form.personal),
    )


def organisation_policy(session: Session) -> OrganisationPolicy | None:
    """The newest version of it, or None while nobody wrote one."""
    row = newest(session)
    return None if row is None else parse(row.text)


def newest(session: Session) -> Policy | None:
    """The row of the newest version, or None while nobody wrote one."""
    query = select(Policy).where(Policy.name == NAME).order_by(col(Policy.version).desc()).limit(1)
    return session.exec(query).first()
