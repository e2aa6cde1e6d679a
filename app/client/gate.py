"""Scorecards, decisions, policies, deployments."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from app.client.audits import POLL_SECONDS
from app.client.connection import Body, Connection
from app.client.types import Decision


class Gate(Connection):
    """May a version go somewhere; and what serves there."""

    def scorecard(self, model: str, version: str, **parameters: str) -> Body:
        """``parameters``: environment, as_of (ISO 8601)."""
        return self._json("GET", f"models/{model}/versions/{version}/scorecard", params=parameters)

    def evaluate(
        self,
        model: str,
        version: str,
        *,
        environment: str,
        stage: str = "admit",
        dry_run: bool = False,
        wait: float = 0,
    ) -> Decision:
        """Ask the gate. While an audit must run first, wait up to ``wait`` seconds for the answer.

        Returns:
            The decision; ``status`` is pass, fail, unknown, or in_progress when the time was not enough.
        """
        asked = {"model": model, "version": version, "environment": environment, "stage": stage, "dry_run": dry_run}
        decision = cast(Decision, self._create("gate/evaluations", json=asked))
        deadline = time.monotonic() + wait
        while decision["status"] == "in_progress" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            decision = self.decision(cast(int, decision["id"]))
        return decision

    def decision(self, decision_id: int) -> Decision:
        return cast(Decision, self._json("GET", f"gate/evaluations/{decision_id}"))

    def envelope(self, decision_id: int) -> Body:
        """The decision, signed: a DSSE envelope."""
        return self._json("GET", f"gate/evaluations/{decision_id}/envelope")

    def replay(self, decision_id: int) -> Body:
        """The decision derived anew from what was stored with it, and whether it is the same."""
        return self._json("GET", f"gate/evaluations/{decision_id}/replay")

    def consume(self, decision_id: int) -> Body:
        """Use a decision, once, for a deployment that Assay does not know of. Raises Problem when it cannot be."""
        return self._json("POST", f"gate/evaluations/{decision_id}/consume")

    def keys(self) -> list[Body]:
        """The public keys of what is signed, newest first."""
        return self._all("keys")

    def policies(self) -> list[Body]:
        return self._all("policies")

    def policy(self, name: str) -> Body:
        return self._json("GET", f"policies/{name}")

    def policy_versions(self, name: str) -> list[Body]:
        """Newest first."""
        return self._all(f"policies/{name}/versions")

    def put_policy(self, name: str, text: str) -> Body:
        return self._json("PUT", f"policies/{name}", json={"text": text})

    def effective_policy(self, environment: str, **asked: str) -> Body:
        """``asked``: model, stage, risk_tier (where no model is named)."""
        return self._json("GET", f"policies/{environment}/effective", params=asked)

    def try_policies(self, policies: Sequence[Body], **asked: Any) -> Body:
        """Which past decisions the policies would have changed; nothing is stored.

        Args:
            policies: ``{"filename": ..., "text": ...}`` each.
            asked: environment, model, since (ISO 8601), limit.
        """
        return self._json("POST", "policy-trials", json={"policies": policies, **asked})

    def compare_policies(self, before: Body, after: Body) -> Body:
        """What one policy asks for and another does not; see ``SideIn`` for the fields of each."""
        return self._json("POST", "policy-comparisons", json={"before": before, "after": after})

    def additions(self, model: str) -> Body:
        """What is asked of one model in addition."""
        return self._json("GET", f"models/{model}/policy")

    def put_additions(self, model: str, text: str) -> Body:
        return self._json("PUT", f"models/{model}/policy", json={"text": text})

    def deploy(self, model: str, version: str, *, environment: str, role: str = "stable", **more: Any) -> Body:
        """Let a version serve. ``more``: reason, decision_id, break_glass."""
        place = {"model": model, "version": version, "environment": environment, "role": role}
        return self._create("deployments", json={**place, **more})

    def roll_back(self, model: str, *, environment: str, reason: str) -> Body:
        """Put the last known good version back."""
        body = {"model": model, "environment": environment, "reason": reason}
        return self._create("deployments/rollback", json=body)

    def drill(self, model: str, *, environment: str) -> Body:
        """Try a rollback there and back; takes as long as that does."""
        asked = {"model": model, "environment": environment}
        return self._json("POST", "deployments/drills", json=asked, timeout=300)

    def deployments(self, **filters: str) -> list[Body]:
        """Deployments that match ``model``, ``environment`` and ``serving`` ("true"), newest first."""
        return self._all("deployments", **filters)

    def review_deployment(self, deployment_id: int, outcome: str, note: str) -> Body:
        """Record the review of a break-glass deployment. ``outcome``: justified or not_justified."""
        return self._json("POST", f"deployments/{deployment_id}/review", json={"outcome": outcome, "note": note})

    def stop_deployment(self, deployment_id: int, reason: str) -> Body:
        return self._json("POST", f"deployments/{deployment_id}/stop", json={"reason": reason})
