"""Reading a tool's REST API: JSON in, JSON out, and errors that name the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from app.errors import Invalid

TIMEOUT_SECONDS = 60
LONGEST_TOLD = 300


class Reader:
    """A connection to one server.

    Args:
        url: where its API begins.
        headers: sent with every request, such as its authorization.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise Invalid(f"{url!r} is no http(s) address of a server")
        self._http = httpx2.Client(headers=dict(headers or {}), timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        return self._json("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._json("POST", path, json=dict(body))

    def delete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._json("DELETE", path, json=dict(body))

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        url = f"{self.url}/{path}"
        try:
            answer = self._http.request(method, url, **options)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Invalid(f"{url} does not answer: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise Invalid(f"{url} answered {answer.status_code}: {answer.text[:LONGEST_TOLD]}")
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Invalid(f"{url} answered with something else than a JSON object")
        return body


def pages(ask: Callable[[str], Mapping[str, Any]], key: str) -> Iterator[dict[str, Any]]:
    """Every item under ``key`` of all pages; ``ask`` is given the page's token, "" for the first."""
    token, seen = "", set[str]()
    while token not in seen:
        seen.add(token)
        answer = ask(token)
        yield from answer.get(key) or ()
        token = answer.get("next_page_token") or ""
