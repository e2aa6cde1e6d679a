"""What the routes of dependencies take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["lock_file", "data", "source_system"]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]


def _printable(text: str) -> str:
    if not (text.isprintable() and text.strip()):
        raise ValueError("must be printable")
    return text


Printable = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


class FingerprintIn(BaseModel):
    """``fingerprint``: whatever changes if and only if the thing does, such as a digest or a version."""

    model_config = ConfigDict(extra="forbid")

    name: Printable
    kind: Kind
    fingerprint: Printable


class DependenciesIn(BaseModel):
    """What a model depends on in an environment, as it is now. What is not named stays as it was."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "credit-default",
                    "environment": "production",
                    "fingerprints": [
                        {"name": "requirements.txt", "kind": "lock_file", "fingerprint": "sha256:9f86d081884c7d65"},
                        {"name": "bureau-api", "kind": "source_system", "fingerprint": "v2026.3"},
                    ],
                }
            ]
        },
    )

    model: str = Field(max_length=100)
    environment: Environment
    fingerprints: list[FingerprintIn] = Field(min_length=1, max_length=200)


class DependencyOut(BaseModel):
    """A fingerprint when it was first seen (``previous`` is null) or had changed.

    ``planted``: changed on purpose, to prove that somebody is told. ``alert_id``: the alert that told of it.
    """

    id: int
    model: str
    environment: str
    name: str
    kind: Kind
    fingerprint: str
    previous: str | None
    planted: bool
    seen_at: datetime
    alert_id: int | None


class DependenciesOut(BaseModel):
    """``added``: seen for the first time. ``changed``: had another fingerprint before; an alert tells of it."""

    added: list[DependencyOut]
    changed: list[DependencyOut]
    unchanged: int
    alert_id: int | None
