"""All that binds a decision: the organisation's floor, the environment's policy, the additions for one model.

Floor and environment are layers, each judged in its own terms (thresholds, windows, accepted exceptions), and both
must hold. So whatever an environment writes, the answer is never more permissive than the floor's alone.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache, reduce

from pydantic import BaseModel, ConfigDict

from app.errors import Invalid
from app.gate import document
from app.gate.terms import Layer
from app.gate.written import ADMIT, PROMOTE, AdditionsForm, FloorForm, PolicyForm, WaiversForm


class PolicyText(BaseModel):
    """One version of a policy, word for word."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    digest: str
    text: str

    @property
    def title(self) -> str:
        return f"{self.name} version {self.version}"

    @property
    def origin(self) -> str:
        """As conditions name it: "production v2", "model credit-default v1"."""
        return f"{self.name.replace('models/', 'model ')} v{self.version}"


class InForce(BaseModel):
    """``floor``: the organisation's policy, where it has a floor. ``additions``: those for the model, if any.

    Its properties and methods raise Invalid when a text, once accepted, no longer is.
    """

    model_config = ConfigDict(frozen=True)

    policy: PolicyText
    floor: PolicyText | None = None
    additions: PolicyText | None = None

    @property
    def parts(self) -> tuple[PolicyText | None, ...]:
        return self.policy, self.floor, self.additions

    @property
    def digest(self) -> str:
        """Of all of them: another floor or other additions make it another. The policy's own where it is alone."""
        parts = [part for part in self.parts if part is not None]
        if len(parts) == 1:
            return self.policy.digest
        return hashlib.sha256("\n".join(f"{part.name} {part.digest}" for part in parts).encode()).hexdigest()

    @property
    def form(self) -> PolicyForm:
        return document.parse(self.policy.text, self.policy.title)

    @property
    def stages(self) -> tuple[str, ...]:
        """What can be asked for. A floor or additions for ``promote`` make that a stage, so that an environment
        without one is no way around them.
        """
        stages = tuple(self.form.stage_forms)
        if ADMIT in stages and PROMOTE not in stages and any(adding.stages.promotes for _, adding in self._adding):
            return (*stages, PROMOTE)
        return stages

    @property
    def waiver_rules(self) -> WaiversForm:
        """What the environment and the floor both allow; the defaults where neither says anything."""
        floors = [adding.waivers for _, adding in self._adding if isinstance(adding, FloorForm)]
        said = [rules for rules in (self.form.waivers, *floors) if rules is not None]
        return reduce(WaiversForm.and_also, said) if said else WaiversForm()

    def layers(self, stage: str, risk_tier: str) -> tuple[Layer, ...]:
        """ValueError when there is no such stage."""
        return _layers(self, stage, risk_tier)

    def put_together(self, stage: str, risk_tier: str) -> tuple[Layer, ...]:
        """``layers``, of which there is one for the same texts: a decision asks several times."""
        form = self.form
        if stage not in self.stages:
            raise ValueError(f"the policy {form.name} has no stage {stage!r}")
        written = stage if stage in form.stage_forms else ADMIT
        clauses = form.clauses(written, risk_tier, self.policy.origin)
        found: list[Layer] = []
        for text, adding in self._adding:
            added = adding.stages.clauses(stage, risk_tier, text.origin)
            if isinstance(adding, FloorForm):
                found.append(adding.layer(added, adding.decision_lifetime_hours))
            else:
                clauses += added
        return (*found, form.layer(clauses, form.decision_lifetime_hours))

    def readable_layers(self, stage: str, risk_tier: str) -> tuple[Layer, ...] | None:
        """``layers``, or None where it would raise: then ``derive`` answers ``unknown`` and says why."""
        try:
            return self.layers(stage, risk_tier)
        except (Invalid, ValueError):
            return None

    @property
    def _adding(self) -> list[tuple[PolicyText, FloorForm | AdditionsForm]]:
        found: list[tuple[PolicyText, FloorForm | AdditionsForm]] = []
        floor = self.floor and document.parse_floor(self.floor.text, self.floor.title)
        if self.floor and floor:
            found.append((self.floor, floor))
        if self.additions:
            found.append((self.additions, document.parse_additions(self.additions.text, self.additions.title)))
        return found


@lru_cache(maxsize=64)
def _layers(binding: InForce, stage: str, risk_tier: str) -> tuple[Layer, ...]:
    return binding.put_together(stage, risk_tier)
