"""What one training cost: JSON ``{"seconds": 812.5, "memory_mb": 2048}``, either may be left out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import FieldError, Invalid


class TrainingRun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    memory_mb: float | None = Field(None, gt=0, allow_inf_nan=False)


def parse(content: bytes) -> TrainingRun:
    """Raises Invalid, naming what is wrong, unless it is JSON of that form with at least one of the two."""
    try:
        run = TrainingRun.model_validate_json(content)
    except ValidationError as error:
        found = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise Invalid(f"This is no training run: {found[0].path} {found[0].message}.", found) from None
    if run.seconds is None and run.memory_mb is None:
        raise Invalid("This is no training run: it has neither seconds nor memory_mb.")
    return run
