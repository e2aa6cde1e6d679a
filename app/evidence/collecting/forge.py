"""Reads a forge's REST API: page by page, within limits, and never sending the token anywhere else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from app.errors import Invalid

PAGE = 100
MOST_PAGES = 20
MOST_BYTES = 10 * 1024 * 1024
TIMEOUT_SECONDS = 20.0
SECONDS = 120.0
"""For all requests together."""

Answer = Mapping[str, Any]


class Forge:
    """A connection to one forge.

    Args:
        url: where its API begins.
        headers: sent with every request; ``secret``, a part of them, is in no message.
    """

    def __init__(self, url: str, headers: Mapping[str, str], secret: str = "") -> None:
        if not url.startswith(("https://", "http://")):
            raise Invalid(f"{url!r} is no http(s) address of an API")
        if not secret.isascii() or not secret.isprintable():
            raise Invalid("the token in the environment holds characters that no token has")
        self.url, self._secret = url.rstrip("/"), secret
        self._http = httpx2.Client(headers=dict(headers), timeout=TIMEOUT_SECONDS)
        self._until = time.monotonic() + SECONDS
        self.incomplete: list[str] = []
        """Lists that are longer than is read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def one(self, path: str) -> Answer:
        """The object at ``path``. Raises Invalid: none, no answer, or no permission."""
        body, _ = self._get(f"{self.url}/{path}")
        if not isinstance(body, dict):
            raise Invalid(f"{path}: the forge answered with something else than an object")
        return body

    def all(self, path: str) -> list[Answer]:
        """Every item of the list at ``path``; a list that is too long is noted in ``incomplete``."""
        items: list[Answer] = []
        url = f"{self.url}/{path}?per_page={PAGE}"
        for _ in range(MOST_PAGES):
            body, following = self._get(url)
            if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
                raise Invalid(f"{path}: the forge answered with something else than a list")
            items += body
            if following is None:
                return items
            url = following
        self.incomplete.append(f"{path} has more than {MOST_PAGES * PAGE} items")
        return items

    def _get(self, url: str) -> tuple[Any, str | None]:
        """The body, and the address of the next page."""
        try:
            with self._http.stream("GET", url) as answer:
                content = self._read(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Invalid(f"{url} does not answer: {type(error).__name__}") from None
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not answer.is_success:
            raise Invalid(self._refusal(url, answer, body))
        return body, self._next(answer)

    def _read(self, answer: httpx2.Response) -> bytes:
        content = b""
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > MOST_BYTES:
                raise Invalid(f"{answer.url}: the answer is larger than {MOST_BYTES} bytes")
            if time.monotonic() > self._until:
                raise Invalid(f"the forge took longer than {SECONDS:.0f} s")
        return content

    def _next(self, answer: httpx2.Response) -> str | None:
        url = answer.links.get("next", {}).get("url")
        if url is not None and not url.startswith(f"{self.url}/"):
            raise Invalid("the forge's next page is on another host; it gets no token of this one")
        return url

    def _refusal(self, url: str, answer: httpx2.Response, body: Any) -> str:
        told = f"{url} answered {answer.status_code}"
        if isinstance(body, dict) and isinstance(message := body.get("message"), str):
            told += f": {message[:200]}"
        if answer.is_redirect:
            told += ": it has moved, use its new name"
        if answer.status_code in {401, 403, 404}:
            told += " (may the token read this repository?)"
        return told.replace(self._secret, "***") if self._secret else told


def unique(names: Iterable[str]) -> list[str]:
    """In their order, each once, shortened to what a record holds."""
    return list(dict.fromkeys(name[:1000] for name in names if name))
