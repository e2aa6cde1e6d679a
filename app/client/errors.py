"""What may come instead of an answer."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """The service could not be reached, or failed; whatever was asked is not answered."""


class Problem(Exception):
    """The service refused: ``status`` is the HTTP status, ``body`` the problem+json document."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(body.get("detail") or body.get("title") or f"HTTP {status}")

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What is wrong with each field: ``{path, message, line?}``."""
        return list(self.body.get("errors", []))
