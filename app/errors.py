"""Errors that a client is told about, as problem+json (RFC 9457). The docstring is the default detail."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field.

    ``path`` is dotted (``features.3.type``); ``line`` is set where the input is a file with lines.
    """

    path: str
    message: str
    line: int | None = None


class AssayError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"

    def __init__(self, detail: str = "", errors: Sequence[FieldError] = (), **extra: Any) -> None:
        self.detail = detail or (self.__doc__ or "").split("\n")[0]
        self.errors = list(errors)
        self.extra = extra
        super().__init__(self.detail)

    def problem(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {
            "type": f"urn:assay:problem:{self.slug}",
            "title": self.slug.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [
                {key: value for key, value in asdict(error).items() if value is not None} for error in self.errors
            ]
        return body | self.extra


class NotAuthenticated(AssayError):
    """A valid token is needed: send "Authorization: Bearer asy_...", or sign in."""

    status = 401
    slug = "not-authenticated"


class Forbidden(AssayError):
    """The token does not carry the scope that this needs."""

    status = 403
    slug = "forbidden"


class NotFound(AssayError):
    """There is no such thing."""

    status = 404
    slug = "not-found"


class Conflict(AssayError):
    """Something else is stored under the same name."""

    status = 409
    slug = "conflict"


class TooLarge(AssayError):
    """The body is larger than this service accepts."""

    status = 413
    slug = "too-large"


class Invalid(AssayError):
    """The request is not valid."""

    status = 422
    slug = "invalid"


class Unavailable(AssayError):
    """The service cannot answer now; try again."""

    status = 503
    slug = "unavailable"


def nearest(word: object, known: Iterable[object]) -> str:
    """`` (did you mean "x"?)`` when one of ``known`` is close to ``word``, else an empty string."""
    folded = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(word).lower(), folded, n=1, cutoff=0.6)
    return f' (did you mean "{folded[close[0]]}"?)' if close else ""
