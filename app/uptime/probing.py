"""Asking one endpoint, and what its answer means."""

from __future__ import annotations

import time
from dataclasses import dataclass

from app.outgoing import Answer, Client, Failed, Refused
from app.tables import Endpoint

MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Outcome:
    """As the columns of ``Probe``."""

    ok: bool | None
    status: int | None
    seconds: float
    error: str | None


def probe(client: Client, endpoint: Endpoint) -> Outcome:
    """Send one GET. An address that may not be called says nothing of the endpoint (``ok`` None)."""
    headers = {"User-Agent": "assay-uptime", "Accept": "*/*"}
    if endpoint.token:
        headers["Authorization"] = f"Bearer {endpoint.token}"
    started = time.monotonic()
    ok: bool | None = False
    status, error = None, None
    try:
        answer = client.send(
            "GET", endpoint.url, headers=headers, seconds=endpoint.timeout_seconds, most_bytes=MOST_BYTES
        )
        status, error = answer.status, _wrong(answer, endpoint)
        ok = error is None
    except Refused as refusal:
        ok, error = None, f"this address is not called: {refusal}"
    except Failed as failure:
        error = str(failure)
    return Outcome(ok, status, round(time.monotonic() - started, 4), error)


def _wrong(answer: Answer, endpoint: Endpoint) -> str | None:
    """What the answer lacks; None when it is as expected."""
    if answer.status != endpoint.expected_status:
        return f"answered {answer.status} instead of {endpoint.expected_status}"
    if not answer.complete and len(answer.content) < MOST_BYTES:
        return "the answer broke off, or took too long"
    if endpoint.expected_text and endpoint.expected_text.encode() not in answer.content:
        return f"the answer does not contain {endpoint.expected_text!r}"
    return None
