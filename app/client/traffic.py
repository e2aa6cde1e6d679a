"""Logged predictions and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.client.connection import Body, Connection

CHUNK = 1024 * 1024


class Traffic(Connection):
    """What was answered elsewhere, and what came true."""

    def push_predictions(
        self,
        model: str,
        version: str,
        path: Path,
        *,
        environment: str,
        role: str = "stable",
        columns: Mapping[str, str] | None = None,
    ) -> Body:
        """Store a file of logged predictions: ``{new, known}``.

        Args:
            columns: column by part (id, time, prediction, probability, latency), where the file calls them
                otherwise than the manifest.
        """
        asked = {"model": model, "version": version, "environment": environment, "role": role}
        return self._push("predictions", path, asked | _named(columns))

    def infer(self, model: str, request: Mapping[str, Any], *, environment: str) -> Body:
        """Predict by what serves in an environment. ``request``: an inference request (Open Inference Protocol)."""
        url = f"{self.url}/environments/{environment}/v2/models/{model}/infer"
        return self._json("POST", url, json=dict(request))

    def push_label_file(self, model: str, path: Path, columns: Mapping[str, str] | None = None) -> Body:
        """Tell labels by a file: counts. ``columns`` by part: id, label, observed."""
        return self._push("labels/file", path, {"model": model} | _named(columns))

    def push_labels(self, model: str, labels: Sequence[Mapping[str, Any]]) -> Body:
        """Tell labels, ``{id, label, observed_at?}`` each: ``{joined, parked, corrected, outdated, unchanged}``."""
        return self._json("POST", "labels", json={"model": model, "labels": [dict(one) for one in labels]})

    def label_history(self, model: str, prediction_id: str) -> Body:
        return self._json("GET", f"labels/{model}/{prediction_id}")

    def traffic(self, model: str, environment: str, **parameters: str) -> Body:
        """What was served by day. ``parameters``: version, since, until (ISO 8601)."""
        return self._json("GET", "traffic", params={"model": model, "environment": environment, **parameters})

    def prediction(self, model: str, prediction_id: str) -> Body:
        """A logged prediction as every version answered it, declared columns masked: ``{model, masked, rows}``."""
        return self._json("GET", f"predictions/{model}/{quote(prediction_id, safe='')}")

    def disclose(
        self, model: str, *, reason: str, person: str | None = None, prediction: str | None = None
    ) -> Body:
        """The same as it is, of a person or of one prediction. Needs the scope rows:read; leaves a trace."""
        return self._json("POST", "predictions/disclosures", json=_whom(model, reason, person, prediction))

    def forget(self, model: str, *, reason: str, person: str | None = None, prediction: str | None = None) -> Body:
        """Delete a person's logged predictions and labels, or one prediction's: how many there were."""
        return self._json("POST", "predictions/deletions", json=_whom(model, reason, person, prediction))

    def _push(self, to: str, path: Path, parameters: Mapping[str, str]) -> Body:
        with path.open("rb") as file:
            content: Iterable[bytes] = iter(lambda: file.read(CHUNK), b"")
            return self._json("POST", to, params={**parameters, "filename": path.name}, content=content)


def _whom(model: str, reason: str, person: str | None, prediction: str | None) -> dict[str, str]:
    given = {"model": model, "reason": reason, "person": person, "prediction": prediction}
    return {name: value for name, value in given.items() if value is not None}


def _named(columns: Mapping[str, str] | None) -> dict[str, str]:
    return {f"{part}_column": name for part, name in (columns or {}).items() if name}
