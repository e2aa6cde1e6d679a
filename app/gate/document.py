"""Policies as somebody writes them: strict YAML, every mistake with its line. ``docs/policy.md``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app import validation
from app.catalog import organisation, yamlfile
from app.errors import FieldError
from app.gate import contradictions
from app.gate.contradictions import Found
from app.gate.written import STAGES, AdditionsForm, FloorForm, PolicyForm, StageForm

__all__ = ["STAGES", "PolicyForm", "StageForm", "parse", "parse_additions", "parse_floor"]

Form = TypeVar("Form", bound=BaseModel)


@lru_cache(maxsize=64)
def parse(text: str, filename: str = "policy.yaml") -> PolicyForm:
    """Read an environment's policy.

    Raises:
        Invalid: with file, line, path and the nearest valid word of everything that is wrong; also for a
            stage without any condition, which would let everything pass.
    """
    data, lines = yamlfile.load(text, filename)
    form = _validated(PolicyForm, data, lines, filename)
    refuse_found(contradictions.of_policy(form), lines, filename)
    return form


@lru_cache(maxsize=64)
def parse_additions(text: str, filename: str = "model.yaml") -> AdditionsForm:
    """Read what is asked of one model in addition. Raises Invalid as ``parse`` does."""
    data, lines = yamlfile.load(text, filename)
    form = _validated(AdditionsForm, data, lines, filename)
    refuse_found(contradictions.of_additions(form), lines, filename)
    return form


@lru_cache(maxsize=8)
def parse_floor(text: str, filename: str = "organisation.yaml") -> FloorForm | None:
    """The floor in the organisation's policy, or None where it has none. Raises Invalid as ``parse`` does."""
    organisation.parse(text, filename)
    data, lines = yamlfile.load(text, filename)
    if data.get("floor") is None:
        return None
    form = _validated(_WithFloor, {"floor": data["floor"]}, lines, filename).floor
    refuse_found(contradictions.of_floor(form), lines, filename)
    return form


class _WithFloor(BaseModel):
    """So that paths and lines of mistakes begin at the top of the file."""

    floor: FloorForm


def _validated(model: type[Form], data: dict[str, Any], lines: Mapping[str, int], filename: str) -> Form:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = [_without_key_mark(e) for e in validation.explain(error, model, lines)]
        raise yamlfile.refuse(filename, sorted(found, key=lambda e: e.line or 0)) from None


def refuse_found(found: Found, lines: Mapping[str, int], filename: str) -> None:
    """Raises Invalid when anything was found."""
    if errors := placed(found, lines):
        raise yamlfile.refuse(filename, errors)


def placed(found: Found, lines: Mapping[str, int]) -> list[FieldError]:
    """What was found, each with its line."""
    return [FieldError(path, message, validation.line_of(path, lines)) for path, message in found]


def _without_key_mark(error: FieldError) -> FieldError:
    """Pydantic marks a wrong key of a dictionary by a last step ``[key]``."""
    return FieldError(error.path.removesuffix(".[key]"), error.message, error.line)
