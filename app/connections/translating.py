"""What translators share: a tool's message in, events of the ledger out. They fetch nothing and store nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import Invalid, nearest
from app.ledger.events import CommitEvent, Event
from app.validation import explain

P = TypeVar("P", bound="Payload")

LONGEST_KEY = 250
MOST_TOLD = 3


class Ignored(Exception):
    """The message is right, and tells nothing that the ledger keeps."""


class Payload(BaseModel):
    """The parts of a message that are read; a tool may add others at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Scope:
    """What a connection may speak about; ``models``: name in Assay by the name that the tool uses."""

    repositories: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    models: Mapping[str, str] | None = None

    def model(self, name: str) -> str:
        """Its name in Assay. Raises Invalid: the connection does not speak about it."""
        models = self.models or {}
        require_in(models, "model", name)
        return models[name]

    def require(self, event: Event) -> None:
        """Raises Invalid: the event is about something that the connection does not speak about."""
        for what, names in (
            ("repository", self.repositories),
            ("pipeline", self.pipelines),
            ("model", (self.models or {}).values()),
        ):
            if named := getattr(event, what, None):
                require_in(names, what, named)


def require_in(names: Any, what: str, named: str) -> None:
    """Raises Invalid unless ``named`` is one of ``names``."""
    if named not in names:
        raise Invalid(f"this connection does not speak about the {what} {named!r}{nearest(named, names)}")


Translate = Callable[[Mapping[str, Any]], list[Event]]


def translated(tool: str, translators: Mapping[str, Translate], event: str, body: Mapping[str, Any]) -> list[Event]:
    """What a forge's message tells.

    Args:
        event: as the forge's header names it.

    Raises:
        Ignored: nothing that the ledger keeps.
        Invalid: the body is not that of such an event.
    """
    translate = translators.get(event)
    if translate is None:
        known = ", ".join(translators)
        raise Ignored(f"of {tool}'s events {known} are read, not {event or 'one without a name'}")
    return translate(body)


def read(form: type[P], body: Mapping[str, Any], what: str) -> P:
    """Raises Invalid: the body is not ``what`` the message says that it is; names what is wrong."""
    try:
        return form.model_validate(body)
    except ValidationError as error:
        found = [f"{one.path}: {one.message}" for one in explain(error, form)[:MOST_TOLD]]
        raise Invalid(f"this is not {what}: {'; '.join(found)}") from None


def key(*parts: object) -> str:
    """An event's id, made of what it tells: sent again under any id, it is the same event."""
    joined = ":".join(str(part) for part in parts)
    return joined if len(joined) <= LONGEST_KEY else f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"


def commit_event(
    repository: str, branch: str, commit: str, at: datetime, author: str, message: str, way: tuple[object, ...] = ()
) -> CommitEvent:
    """``way``: by which it came, by default the branch; together with the commit it is the event's id."""
    return CommitEvent(
        kind="commit",
        id=key(repository, *(way or (branch,)), commit),
        at=at,
        repository=repository,
        commit=commit,
        branch=branch,
        author=author.strip()[:250] or "unknown",
        message=message.strip().split("\n", 1)[0][:1000],
    )


def branch_name(told: str | None) -> str | None:
    return (told or "")[:250].strip() or None
