"""How the client talks to the service, and what may go wrong."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

import httpx2

DEFAULT_URL = "http://127.0.0.1:8321"
DEFAULT_TIMEOUT = 120.0
"""Seconds."""

Body = dict[str, Any]


class ServiceError(Exception):
    """The service could not be reached, or failed; whatever was asked is not answered."""


class Problem(Exception):
    """The service refused: ``status`` is the HTTP status, ``body`` the problem+json document."""

    def __init__(self, status: int, body: Body) -> None:
        self.status = status
        self.body = body
        super().__init__(body.get("detail") or body.get("title") or f"HTTP {status}")


class Connection:
    """A connection to one service.

    Args:
        url: the service's address; by default the environment's ``ASSAY_URL``, else the local one.
        token: by default ``ASSAY_TOKEN``.
        timeout: seconds for one answer; registration reads uploaded files and takes the longest.
    """

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float = DEFAULT_TIMEOUT) -> None:
        url = url or os.environ.get("ASSAY_URL") or DEFAULT_URL
        token = token or os.environ.get("ASSAY_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        self._http = httpx2.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> Body:
        """Whether the service is ready; raises ServiceError when it is not."""
        return self._json("GET", f"{self.url}/health/ready")

    def _all(self, path: str, **parameters: str) -> list[Body]:
        """Every item of a list, page by page."""
        items: list[Body] = []
        cursor: dict[str, str] = {}
        while True:
            page = self._send("GET", path, params={**parameters, **cursor}).json()
            if isinstance(page, list):
                return page
            items += page["items"]
            if not page.get("next_cursor"):
                return items
            cursor = {"cursor": page["next_cursor"]}

    def _json(self, method: str, path: str, **options: Any) -> Body:
        body: Body = self._send(method, path, **options).json()
        return body

    def _send(self, method: str, path: str, allow: tuple[int, ...] = (), **options: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise ServiceError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"{self.url} answered {response.status_code}")
        if response.is_client_error and response.status_code not in allow:
            raise Problem(response.status_code, _problem(response) or _without_words(response.status_code))
        return response


def _without_words(status: int) -> Body:
    """What an answer without a body means, such as that to a HEAD request."""
    told = {
        httpx2.codes.UNAUTHORIZED: "The service does not know this token: set ASSAY_TOKEN to a valid one.",
        httpx2.codes.FORBIDDEN: "The token does not carry the scope that this needs.",
    }
    return {"detail": told.get(httpx2.codes(status), f"HTTP {status}")}


def _problem(response: httpx2.Response) -> Body:
    try:
        body = response.json()
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}
