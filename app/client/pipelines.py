"""Pipelines: declared, listed, judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Pipelines(Connection):
    """Pipelines and the practice around them."""

    def register_pipeline(self, form: Mapping[str, Any]) -> Body:
        """Declare a pipeline (``app.catalog.pipelines.parse`` reads and checks pipeline.yaml)."""
        return self._json("PUT", f"pipelines/{form['name']}", json=dict(form))

    def pipelines(self) -> list[Body]:
        return self._all("pipelines")

    def pipeline(self, name: str) -> Body:
        """``{name, owner, repository, declaration, versions, created_at}``."""
        return self._json("GET", f"pipelines/{name}")

    def pipeline_scorecard(self, name: str, as_of: str | None = None) -> Body:
        return self._json("GET", f"pipelines/{name}/scorecard", params={"as_of": as_of} if as_of else {})

    def pipeline_runs(self, name: str, limit: int = 50) -> list[Body]:
        """One page, newest first."""
        items: list[Body] = self._json("GET", f"pipelines/{name}/runs", params={"limit": limit})["items"]
        return items
