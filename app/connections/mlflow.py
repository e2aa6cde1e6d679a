"""What MLflow's webhooks tell of its model registry.

https://mlflow.org/docs/latest/ml/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime

from app.connections.translating import Ignored, Payload, Scope, key, read
from app.evidence.documents import Word
from app.ledger.events import Event, RegisteredVersionEvent
from app.ledger.registries import MLFLOW, VERSION_TAG

READ = ("model_version.created", "model_version_tag.set", "model_version_alias.created")


class Envelope(Payload):
    entity: str
    action: str
    timestamp: AwareDatetime
    data: dict[str, Any]


class Created(Payload):
    name: Word
    version: Word
    run_id: str | None = None
    tags: dict[str, str] | None = None


class TagSet(Payload):
    name: Word
    version: Word
    key: str
    value: str


class AliasCreated(Payload):
    name: Word
    version: Word
    alias: Word


def events(body: Mapping[str, Any], scope: Scope) -> list[Event]:
    """What a message tells.

    Raises:
        Ignored: nothing that the ledger keeps.
        Invalid: it is no message of MLflow's, or about a model that the connection does not speak about.
    """
    told = read(Envelope, body, "a message of MLflow")
    named = f"{told.entity}.{told.action}"
    if named not in READ:
        raise Ignored(f"of MLflow's events {', '.join(READ)} are read, not {named}")
    if named == READ[0]:
        created = read(Created, told.data, "a model version")
        version = (created.tags or {}).get(VERSION_TAG)
        return [_event(told, scope, created, run=created.run_id or None, version=version or None)]
    if named == READ[1]:
        tag = read(TagSet, told.data, "a tag of a model version")
        model = scope.model(tag.name)
        if tag.key != VERSION_TAG:
            raise Ignored(f"of the tags of a version of {model} only {VERSION_TAG} is read, not {tag.key}")
        return [_event(told, scope, tag, version=tag.value)]
    alias = read(AliasCreated, told.data, "an alias of a model version")
    return [_event(told, scope, alias, aliases=[alias.alias])]


def _event(told: Envelope, scope: Scope, about: Created | TagSet | AliasCreated, **more: Any) -> Event:
    return RegisteredVersionEvent(
        kind="registered_version",
        id=key(about.name, about.version, told.entity, told.timestamp.isoformat(), *more.values()),
        at=told.timestamp,
        registry=MLFLOW,
        model=scope.model(about.name),
        name=about.name,
        number=about.version,
        **more,
    )
