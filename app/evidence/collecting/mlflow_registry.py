"""MLflow's model registry, over the REST API of its tracking server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.evidence.collecting.mlflow import PAGE, quoted
from app.evidence.collecting.reading import Reader, pages

Registered = Mapping[str, Any]


def models(server: Reader) -> Iterator[Registered]:
    """All registered models, with their aliases."""
    return _all(server, "registered-models/search", "registered_models")


def versions(server: Reader, name: str) -> Iterator[Registered]:
    """All versions of a registered model."""
    return _all(server, "model-versions/search", "model_versions", filter=f"name='{quoted(name)}'")


def version(server: Reader, name: str, number: str) -> Registered:
    """Raises Invalid: there is none."""
    found: Registered = server.get("model-versions/get", name=name, version=number)["model_version"]
    return found


def tags(registered: Registered) -> dict[str, str]:
    """Of a model or of a version."""
    return {one["key"]: one.get("value", "") for one in registered.get("tags") or ()}


def aliases(model: Registered) -> dict[str, str]:
    """Numbers of versions by alias."""
    return {one["alias"]: str(one["version"]) for one in model.get("aliases") or ()}


def _all(server: Reader, path: str, key: str, **asked: str) -> Iterator[Registered]:
    def ask(token: str) -> Mapping[str, Any]:
        return server.get(path, max_results=PAGE, **asked, **({"page_token": token} if token else {}))

    return pages(ask, key)
