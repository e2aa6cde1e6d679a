"""Issues, validations, retirement, the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Register(Connection):
    """What model-risk people keep."""

    def issues(self, **filters: str) -> list[Body]:
        """``filters``: model, status, severity, owner, overdue ("true" or "false")."""
        return self._all("issues", **filters)

    def issue(self, issue_id: int) -> Body:
        return self._json("GET", f"issues/{issue_id}")

    def open_issue(self, model: str, given: Mapping[str, Any]) -> Body:
        """See ``IssueIn`` for the fields."""
        return self._json("POST", f"models/{model}/issues", json=dict(given))

    def change_issue(self, issue_id: int, changes: Mapping[str, Any]) -> Body:
        """See ``IssueChange`` for the fields."""
        return self._json("PATCH", f"issues/{issue_id}", json=dict(changes))

    def resolve_issue(self, issue_id: int, evidence: str, comment: str) -> Body:
        return self._json("POST", f"issues/{issue_id}/resolution", json={"evidence": evidence, "comment": comment})

    def close_issue(self, issue_id: int, comment: str, evidence: str | None = None) -> Body:
        return self._json("POST", f"issues/{issue_id}/closure", json={"evidence": evidence, "comment": comment})

    def reopen_issue(self, issue_id: int, reason: str) -> Body:
        return self._json("POST", f"issues/{issue_id}/reopening", json={"reason": reason})

    def record_validation(self, model: str, given: Mapping[str, Any]) -> Body:
        """See ``ValidationIn`` for the fields."""
        return self._json("POST", f"models/{model}/validations", json=dict(given))

    def validations(self, model: str) -> list[Body]:
        return self._all(f"models/{model}/validations")

    def retire(self, model: str, reason: str, successor: str | None = None) -> Body:
        return self._json("POST", f"models/{model}/retirement", json={"reason": reason, "successor": successor})

    def unretire(self, model: str, reason: str) -> Body:
        return self._json("POST", f"models/{model}/retirement/undoing", json={"reason": reason})

    def inventory(self) -> list[Body]:
        return self._all("inventory")

    def inventory_csv(self) -> str:
        return self._send("GET", "inventory", params={"format": "csv"}).text
