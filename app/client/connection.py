"""How the client talks to the service."""

from __future__ import annotations

import os
import time
import uuid
from types import TracebackType
from typing import Any, Self

import httpx2

from app.client.errors import Problem, ServiceError
from app.client.workload import Workload, giver

DEFAULT_URL = "http://127.0.0.1:8321"
DEFAULT_TIMEOUT = 120.0
"""Seconds."""

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before a request is sent again, unless the service asks for more (``Retry-After``)."""
LONGEST_PAUSE = 10.0
REFUSED = {httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE}
"""Nothing was carried out: any request may be sent again."""
LOST = {httpx2.codes.BAD_GATEWAY, httpx2.codes.GATEWAY_TIMEOUT}
"""It may have been carried out: only what may happen twice is sent again."""
IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}
KEY = "Idempotency-Key"

Body = dict[str, Any]


class Connection:
    """A connection to one service.

    A request that the service was too busy for, or that never reached it, is sent again up to three times; one that
    may have been carried out only where that does no harm. No request is sent again after a timeout.

    Args:
        url: the service's address; by default the environment's ``ASSAY_URL``, else the local one.
        token: by default ``ASSAY_TOKEN``; without one, a job in CI shows who it is (``Workload``).
        timeout: seconds for one answer; registration reads uploaded files and takes the longest.
    """

    def __init__(self, url: str | None = None, token: str | None = None, timeout: float = DEFAULT_TIMEOUT) -> None:
        url = url or os.environ.get("ASSAY_URL") or DEFAULT_URL
        token = token or os.environ.get("ASSAY_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        auth = Workload(self.url, self._checked) if not token and Workload.is_there() else None
        self._http = httpx2.Client(base_url=f"{self.url}/api/v1/", headers=headers, auth=auth, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> Body:
        """Whether the service is ready; raises ServiceError when it is not."""
        body: Body = self._checked(self._ask("GET", f"{self.url}/health/ready")).json()
        return body

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

    def _create(self, path: str, **options: Any) -> Body:
        """POST what is to be created once, however often it has to be sent."""
        return self._json("POST", path, headers={KEY: uuid.uuid4().hex}, **options)

    def _send(self, method: str, path: str, allow: tuple[int, ...] = (), **options: Any) -> httpx2.Response:
        return self._checked(self._ask_again(method, path, **options), allow)

    def _ask_again(self, method: str, path: str, **options: Any) -> httpx2.Response:
        harmless = method in IDEMPOTENT or KEY in options.get("headers", {})
        pauses = () if "content" in options else PAUSES  # a stream can be read only once
        for pause in pauses:
            try:
                response = self._ask(method, path, **options)
            except ServiceError as error:
                never_arrived = isinstance(error.__cause__, httpx2.ConnectError)
                broke_off = isinstance(error.__cause__, httpx2.NetworkError | httpx2.RemoteProtocolError)
                if not (never_arrived or (harmless and broke_off)):
                    raise
                time.sleep(pause)
            else:
                if response.status_code not in (REFUSED | LOST if harmless else REFUSED):
                    return response
                time.sleep(_asked_for(response, pause))
        return self._ask(method, path, **options)

    def _ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            asked = error.request.url
            who = self.url if str(asked).startswith(self.url) else giver(asked)
            raise ServiceError(f"{who} does not answer: {error or type(error).__name__}") from error

    def _checked(self, response: httpx2.Response, allow: tuple[int, ...] = ()) -> httpx2.Response:
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"{self.url} answered {response.status_code}{_detail(response)}")
        if response.is_client_error and response.status_code not in allow:
            raise Problem(response.status_code, _problem(response) or _without_words(response.status_code))
        return response


def _asked_for(response: httpx2.Response, pause: float) -> float:
    """Seconds to wait, as the service says; nobody is waited for long."""
    asked = response.headers.get("Retry-After", "")
    return min(max(pause, float(asked)), LONGEST_PAUSE) if asked.isdecimal() else pause


def _detail(response: httpx2.Response) -> str:
    told = _problem(response).get("detail")
    return f": {told}" if told else ""


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
