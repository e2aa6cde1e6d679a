"""Row 20: every model reaches a product as an API of its own, and the whole fleet is in view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from app.alerts.events import is_production
from app.ledger.history import DeploymentFact, History, TrafficFact, VersionFact
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown


@dataclass(frozen=True)
class Address:
    """Where a model answers in an environment. ``path``: at Assay's gateway; None where another server answers, as
    for versions that are registered by their predictions only. ``last_at``: the newest prediction that is known.
    """

    environment: str
    version: str
    path: str | None
    last_at: datetime | None


@dataclass(frozen=True)
class Product:
    """``addresses``: one an environment, production first."""

    model: str
    team: str
    addresses: tuple[Address, ...]
    judged: Judged


@dataclass(frozen=True)
class Fleet:
    """``as_api``: how many of the models reach a product as an API; ``elsewhere``: serve, but not so that users of
    production are known to get answers; ``nowhere``: serve nowhere that is known.
    """

    models: int
    as_api: int
    elsewhere: int
    nowhere: int
    products: tuple[Product, ...]


def fleet(history: History) -> Fleet:
    products = tuple(_product(history, one.name, one.owner) for one in sorted(history.models, key=lambda m: m.name))
    as_api = sum(one.judged.holds for one in products)
    nowhere = sum(not one.addresses for one in products)
    return Fleet(len(products), as_api, len(products) - as_api - nowhere, nowhere, products)


def _product(history: History, name: str, team: str) -> Product:
    versions = {one.id: one for one in history.versions if one.model == name}
    serving = [one for one in history.deployments if one.model == name and one.ended_at is None]
    traffic = [one for one in history.traffic if one.model == name]
    environments = {one.environment for one in serving} | {one.environment for one in traffic}
    addresses = tuple(
        address
        for environment in sorted(environments, key=lambda one: (not is_production(one), one))
        if (address := _address(name, environment, versions, serving, traffic)) is not None
    )
    return Product(name, team, addresses, _judged(name, addresses))


def _address(
    model: str,
    environment: str,
    versions: Mapping[int, VersionFact],
    serving: Sequence[DeploymentFact],
    traffic: Sequence[TrafficFact],
) -> Address | None:
    """Of the stable version, without one of the canary; where none is deployed, of whatever answered last."""
    roles = ("stable", "canary")
    here = [one for one in serving if one.environment == environment and one.role in roles]
    asked = [one for one in traffic if one.environment == environment]
    last_at = max((one.last_at for one in asked), default=None)
    if here:
        first = min(here, key=lambda one: roles.index(one.role))
        by_gateway = versions[first.version_id].artifact_digest is not None
        where = f"/environments/{quote(environment)}/v2/models/{quote(model)}/infer"
        return Address(environment, first.version, where if by_gateway else None, last_at)
    if not asked:
        return None
    newest = max(asked, key=lambda one: (one.last_at, one.version))
    return Address(environment, newest.version, None, last_at)


def as_api(history: History) -> Judged:
    """Row 20, of the one model of a history."""
    return fleet(history).products[0].judged


def _judged(model: str, addresses: Sequence[Address]) -> Judged:
    path = f"/models/{quote(model)}/serving"
    proofs = [
        Proof(
            f"{one.version} answers in {one.environment} at {one.path or 'another server'}", one.last_at, "", path
        )
        for one in addresses
    ]
    live = [one for one in addresses if is_production(one.environment)]
    if any(one.path is not None or one.last_at is not None for one in live):
        return met(*proofs)
    if live:
        missing = "what serves in production cannot be answered by the gateway, and no prediction of it is known"
        return unknown(missing, "Push its predictions: assay predictions push", *proofs)
    remedy = f"Let it serve: assay deploy {model}@VERSION --environment production --role canary"
    if addresses:
        return lacking("it serves, but not in production", remedy, *proofs)
    return unknown("it serves nowhere that Assay knows of", remedy)
