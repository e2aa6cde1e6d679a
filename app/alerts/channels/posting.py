"""Posting JSON to a receiver, and what its answer means."""

from __future__ import annotations

import math
from collections.abc import Mapping

from app.alerts.channels.message import NotDelivered, Receipt, Wires
from app.outgoing import Answer, Failed, Refused

KEPT_HEADERS = ("date", "x-request-id", "request-id", "x-slack-req-id")
"""Of the answer, for the receipt: what the receiver's operator can look a message up by."""
LONGEST_SAID = 200
MOST_PATIENCE_SECONDS = 6 * 3600


def post(url: str, content: bytes, headers: Mapping[str, str], wires: Wires) -> Receipt:
    """Raises NotDelivered as ``ask`` does."""
    return receipt_of(ask("POST", url, content, headers, wires))


def ask(method: str, url: str, content: bytes, headers: Mapping[str, str], wires: Wires) -> Answer:
    """Raises NotDelivered unless the receiver answers 2xx.

    410 means that it wants no more (Standard Webhooks). Anything else may be a fault that somebody mends, a wrong
    route or an expired certificate just as well as a server that is down: sending again is worth a day's patience.
    """
    told = {"Content-Type": "application/json", "User-Agent": "assay", **headers}
    try:
        answer = wires.http.send(method, url, headers=told, content=content, seconds=wires.seconds)
    except Refused as error:
        raise NotDelivered(f"this address is not called: {error}", permanent=True) from error
    except Failed as error:
        raise NotDelivered(str(error)) from error
    if 200 <= answer.status < 300:
        return answer
    said = answer.content[:LONGEST_SAID].decode(errors="replace").strip()
    why = f"the receiver answered {answer.status}{': ' if said else ''}{said}"
    raise NotDelivered(why, permanent=answer.status == 410, gone=answer.status == 410, retry_after=_asked(answer))


def receipt_of(answer: Answer) -> Receipt:
    kept = {name: answer.headers[name][:LONGEST_SAID] for name in KEPT_HEADERS if name in answer.headers}
    return {"status": answer.status, "headers": kept}


def _asked(answer: Answer) -> float | None:
    """``Retry-After`` in seconds; dates are not read, and nobody is waited for all day."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0), MOST_PATIENCE_SECONDS) if math.isfinite(seconds) else None
