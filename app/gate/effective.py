"""What binds a model at a stage, condition by condition, with who asks for it and since when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session

from app.catalog.queries import find_model
from app.db import utcnow
from app.gate import policies
from app.gate.schemas import AskOut, EffectiveOut, PolicyRef
from app.gate.terms import Layer


def effective(session: Session, environment: str, stage: str, model: str | None, risk_tier: str) -> EffectiveOut:
    """Of ``model``, by its own risk tier; without one, of any model of ``risk_tier``.

    Raises:
        NotFound: no such model. Invalid: no policy for that environment, no such stage in it, or a policy that,
            once accepted, no longer is.
    """
    if model is not None:
        risk_tier = find_model(session, model).risk_tier
    binding = policies.in_force(session, environment, model or "")
    policies.require_stage(binding, stage)
    layers = binding.layers(stage, risk_tier)
    return EffectiveOut(
        environment=environment,
        stage=stage,
        model=model,
        risk_tier=risk_tier,
        digest=binding.digest,
        policies=[PolicyRef(name=p.name, version=p.version, digest=p.digest) for p in binding.parts if p],
        decision_lifetime_hours=min(layer.lifetime for layer in layers).total_seconds() / 3600,
        conditions=[ask for layer in layers for ask in asks(layer, utcnow().date())],
    )


def asks(layer: Layer, day: date) -> Iterator[AskOut]:
    """What the layer asks for: of several thresholds for the same the strictest, and the one that comes later."""
    enforced = layer.enforced(day).asks
    for name, threshold in {**layer.demand.asks, **enforced}.items():
        later = layer.demand.asks.get(name, threshold)
        for value in dict.fromkeys((threshold, later)):
            yield _ask(layer, name, value, enforced=enforced.get(name) == value)


def _ask(layer: Layer, name: str, threshold: object, *, enforced: bool) -> AskOut:
    asking = [clause for clause in layer.clauses if clause.demand.asks.get(name) == threshold]
    days = [clause.enforced_from for clause in asking]
    since = None if None in days else min((day for day in days if day), default=None)
    origin = layer.origin_of(name, threshold)
    return AskOut(name=name, threshold=threshold, origin=origin, enforced=enforced, enforced_from=since)
