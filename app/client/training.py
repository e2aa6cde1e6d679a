"""Asking pipelines for new versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.client.connection import Body, Connection


class Training(Connection):
    """Trainers of pipelines, and what they were asked."""

    def set_trainer(self, pipeline: str, trainer: Mapping[str, Any]) -> Body:
        """See ``TrainerIn`` for the fields. A webhook's ``secret`` is in the first answer alone."""
        return self._json("PUT", f"pipelines/{pipeline}/trainer", json=dict(trainer))

    def trainer(self, pipeline: str) -> Body:
        return self._json("GET", f"pipelines/{pipeline}/trainer")

    def remove_trainer(self, pipeline: str) -> None:
        self._send("DELETE", f"pipelines/{pipeline}/trainer")

    def request_training(self, pipeline: str, **asked: str) -> Body:
        """Ask for a version. ``asked``: cause (new_data, on_demand), model, environment, reason, data_digest."""
        return self._create(f"pipelines/{pipeline}/training-requests", json=asked)

    def training_requests(self, **filters: str) -> list[Body]:
        """Newest first. ``filters``: pipeline, model, status."""
        return self._all("training-requests", **filters)

    def training_request(self, key: str) -> Body:
        return self._json("GET", f"training-requests/{key}")
