"""What a trust asks of a token's claims: pure, anchored at both ends, and never empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.access.oidc.verification import shown
from app.errors import FieldError

GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.com"
OWNERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        GITHUB: frozenset(
            {"repository", "repository_id", "repository_owner", "repository_owner_id", "job_workflow_ref", "sub"}
        ),
        GITLAB: frozenset(
            {"project_path", "project_id", "namespace_path", "namespace_id", "ci_config_ref_uri", "sub"}
        ),
    }
)
"""Issuers whose tokens anybody in the world can have, and the claims that say whose a token is."""

CHECKED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that say nothing of who it is, and are checked anyway."""
LONGEST = 500


def flaws(issuer: str, conditions: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with the conditions of a trust, by field."""
    found = [_flaw(name, pattern) for name, pattern in conditions.items()]
    wrong = [one for one in found if one is not None]
    if not conditions:
        wrong.append(FieldError("claims", "name at least one, or every token of the issuer is let in"))
    owners = OWNERS.get(issuer)
    if owners and not any(name in owners and _owned(pattern) for name, pattern in conditions.items()):
        told = ", ".join(sorted(owners))
        wrong.append(
            FieldError("claims", f"anybody can have a token of {issuer}: say whose is meant, by one of {told}")
        )
    return wrong


def misfits(conditions: Mapping[str, str], claims: Mapping[str, Any]) -> list[str]:
    """The claims that do not fit, each with what the token says; never with what was asked for."""
    return [
        f"{name} ({shown(claims[name]) if name in claims else 'missing'})"
        for name, pattern in conditions.items()
        if not _fits(pattern, claims.get(name))
    ]


def _fits(pattern: str, value: Any) -> bool:
    """``*`` stands for anything but / and :, ``**`` for anything; true, false and numbers are as in JSON."""
    text = value if isinstance(value, str) else shown(value) if isinstance(value, bool | int) else None
    if text is None:
        return False
    reached = {0}
    for part in re.split(r"(\*+)", pattern):
        if part.startswith("*"):
            reached = _spread(reached, text, stops="/:" if part == "*" else "")
        else:
            reached = {at + len(part) for at in reached if text.startswith(part, at)}
    return len(text) in reached


def _spread(reached: set[int], text: str, stops: str) -> set[int]:
    """Where one can be after any number of characters that are no ``stops``."""
    found, going = set(), False
    for at in range(len(text) + 1):
        going = at in reached or (going and text[at - 1] not in stops)
        if going:
            found.add(at)
    return found


def _flaw(name: str, pattern: str) -> FieldError | None:
    field = f"claims.{name}"
    if name in CHECKED:
        return FieldError(field, "says nothing of who it is, and is checked for every token")
    if not (pattern.isprintable() and 0 < len(pattern) <= LONGEST):
        return FieldError(field, f"must be 1 to {LONGEST} printable characters")
    if not pattern.strip("*/: "):
        return FieldError(field, "fits every token, so it is no condition")
    if "***" in pattern:
        return FieldError(field, "there are * (anything but / and :) and ** (anything)")
    return None


def _owned(pattern: str) -> bool:
    """Whether the owner, all that comes before the first slash, is written out."""
    before, star, _ = pattern.partition("*")
    return not star or "/" in before
