"""In CI: who the job is, shown by a token of the CI itself, so that no secret of Assay's is stored there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2

from app.client.errors import ServiceError

EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
RENEWED_BEFORE = 60
"""Seconds before its end at which a token is replaced by another."""

Check = Callable[[httpx2.Response], httpx2.Response]


class Workload(httpx2.Auth):
    """Exchanges the job's token before the first request, and again when what it got is about to end.

    The job's token is ``ASSAY_OIDC_TOKEN`` (GitLab's ``id_tokens``, and any other CI), else what is in the file
    ``ASSAY_OIDC_TOKEN_FILE`` by then (Kubernetes keeps it fresh), else one that GitHub Actions gives to jobs with
    ``permissions: id-token: write``, made for ``ASSAY_OIDC_AUDIENCE``, by default ``url``.

    Args:
        url: the service.
        check: raises for an answer that is an error.
    """

    requires_response_body = True

    def __init__(self, url: str, check: Check) -> None:
        self._url, self._check = url, check
        self._token, self._until = "", float("-inf")

    @staticmethod
    def is_there() -> bool:
        """Whether this is a job that can show who it is."""
        names = ("ASSAY_OIDC_TOKEN", "ASSAY_OIDC_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_URL")
        return any(os.environ.get(name) for name in names)

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if time.monotonic() > self._until:
            token = os.environ.get("ASSAY_OIDC_TOKEN") or _from_file() or (yield from self._of_github())
            form = EXCHANGE | {"subject_token": token}
            made = self._read((yield httpx2.Request("POST", f"{self._url}/api/v1/token", data=form)))
            self._token = str(made["access_token"])
            self._until = time.monotonic() + float(made["expires_in"]) - RENEWED_BEFORE
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def _of_github(self) -> Generator[httpx2.Request, httpx2.Response, str]:
        url = httpx2.URL(os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"])
        audience = os.environ.get("ASSAY_OIDC_AUDIENCE") or self._url
        headers = {"Authorization": f"bearer {os.environ.get('ACTIONS_ID_TOKEN_REQUEST_TOKEN', '')}"}
        answer = yield httpx2.Request("GET", url.copy_merge_params({"audience": audience}), headers=headers)
        try:
            return str(answer.raise_for_status().json()["value"])
        except (httpx2.HTTPStatusError, ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"{giver(url)} gave none: it answered with status {answer.status_code}.") from error

    def _read(self, response: httpx2.Response) -> Any:
        return self._check(response).json()


def _from_file() -> str:
    """Raises ServiceError where the file that is named is none."""
    path = os.environ.get("ASSAY_OIDC_TOKEN_FILE")
    try:
        return Path(path).read_text(encoding="ascii").strip() if path else ""
    except (OSError, ValueError) as error:
        raise ServiceError(f"ASSAY_OIDC_TOKEN_FILE names no token: {error}") from error


def giver(url: httpx2.URL) -> str:
    """Who gives jobs of GitHub Actions their tokens, in words."""
    return f"{url.scheme}://{url.netloc.decode()}, which gives this job its token (ACTIONS_ID_TOKEN_REQUEST_URL),"
