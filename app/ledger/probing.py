"""Asks components of a pipeline whether they answer, from where their users are: in a CI job, not in the service.

No credentials are sent, for the addresses come from a declaration that anybody may have written: a component that
asks for them has answered. No redirect is followed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from app.catalog.pipelines import ComponentPart

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
LONGEST_TOLD = 200
WANTS_CREDENTIALS = frozenset({401, 403})


@dataclass(frozen=True)
class Found:
    """``detail``: why it counts as not reachable, or what it asked for."""

    reachable: bool
    version: str | None = None
    detail: str = ""


def probe(component: ComponentPart, seconds: float = SECONDS) -> Found:
    """Ask the component's url, or what its tool (as its name says) answers about itself with."""
    url = _address(component)
    try:
        with httpx2.Client(timeout=seconds) as client, client.stream("GET", url) as answer:
            status, text = answer.status_code, _read(answer, time.monotonic() + seconds)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Found(reachable=False, detail=f"{url}: {error or type(error).__name__}"[:LONGEST_TOLD])
    if status in WANTS_CREDENTIALS:
        return Found(reachable=True, detail=f"{url} asks for credentials ({status})")
    if status >= httpx2.codes.BAD_REQUEST:
        return Found(reachable=False, detail=f"{url} answered {status}")
    return Found(reachable=True, version=_version(tool_of(component), text))


def tool_of(component: ComponentPart) -> str:
    """The tool that a component's name says it is, "" for one whose answers are not known here."""
    name = component.name.lower()
    return next((tool for word, tool in TOOLS.items() if word in name), "")


TOOLS: Mapping[str, str] = {
    "mlflow": "mlflow",
    "github": "github",
    "gitlab": "gitlab",
    "kubeflow": "kfp",
    "kfp": "kfp",
}


def _address(component: ComponentPart) -> str:
    """Where the tool tells its health and version."""
    url = (component.url or "").rstrip("/")
    parts = urlsplit(url)
    root, tool = f"{parts.scheme}://{parts.netloc}", tool_of(component)
    if tool == "mlflow":
        return f"{url}/version"
    if tool == "kfp":
        return f"{url}/apis/v2beta1/healthz"
    if tool == "gitlab":
        return f"{root}/api/v4/metadata"
    if tool == "github":
        if parts.hostname in {"github.com", "api.github.com"}:
            return "https://api.github.com/meta"
        return f"{root}/api/v3/meta"
    return url


def _read(answer: httpx2.Response, deadline: float) -> str:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > MOST_BYTES or time.monotonic() > deadline:
            break
    return content[:MOST_BYTES].decode("utf-8", errors="replace")


def _version(tool: str, text: str) -> str | None:
    """As the tool writes it: MLflow as plain text, the others in JSON."""
    if tool == "mlflow":
        found: Any = text.strip()
    else:
        try:
            body = json.loads(text) if tool else {}
        except ValueError:
            body = {}
        told = body if isinstance(body, dict) else {}
        found = told.get("version") or told.get("installed_version") or told.get("tag_name")
    return found[:100] if isinstance(found, str) and found and "\n" not in found else None


def events(
    pipeline: str, components: Iterable[ComponentPart], at: datetime, seconds: float
) -> list[dict[str, Any]]:
    """What each component that has a url answered, as events for the ledger."""
    found = []
    for one in components:
        answer = probe(one, seconds)
        told = {
            "kind": "component",
            "id": f"{pipeline}:{one.kind}:{one.name}:{at.isoformat(timespec='seconds')}"[-250:],
            "at": at.isoformat(),
            "pipeline": pipeline,
            "component": one.kind,
            "name": one.name,
            "reachable": answer.reachable,
            "version": answer.version,
            "detail": answer.detail,
        }
        found.append({key: value for key, value in told.items() if value not in {None, ""}})
    return found
