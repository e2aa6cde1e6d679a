"""What tools hold, read by the command line where it may reach them, as events of the ledger.

An event's id is made of what it tells: an import that runs again tells the same again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from app.connections.translating import key
from app.ledger.events import Happened

H = TypeVar("H", bound=Happened)


def identified(event: H, *parts: object) -> H:
    """The event under an id of ``parts`` and of all that it tells: told otherwise, it is another event."""
    body: dict[str, Any] = event.model_dump(mode="json") | {"id": ""}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    return event.model_copy(update={"id": key(*parts, digest)})
