"""Logs: one JSON object a line in the Elastic Common Schema, so that nothing logged can forge a line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ecs_logging import StdlibFormatter

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_audit_id: ContextVar[int | None] = ContextVar("audit_id", default=None)

ECS_VERSION = "9.4.0"
"""The fields are held against the list of this version: integrations/elastic/ecs."""
_NOISE = ("process.thread", "log.original", "ecs.version", "color_message")


class Formatter(StdlibFormatter):
    """Adds which request and which audit a line belongs to."""

    def __init__(self) -> None:
        super().__init__(exclude_fields=_NOISE)

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        line: dict[str, Any] = super().format_to_ecs(record)
        if (request := request_id.get()) is not None:
            line.setdefault("http", {}).setdefault("request", {}).setdefault("id", request)
        if (audit := _audit_id.get()) is not None:
            line.setdefault("assay", {}).setdefault("audit", {}).setdefault("id", audit)
        line.setdefault("event", {}).setdefault("dataset", "assay.service")
        line["service"] = {"name": "assay"}
        line["ecs.version"] = ECS_VERSION
        return line


class Stdout(logging.StreamHandler[Any]):
    """Whatever ``sys.stdout`` is at the time, as ``logging.lastResort`` does it for stderr."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(Formatter())

    @property
    def stream(self) -> Any:
        return sys.stdout


def configure(level: str = "INFO") -> None:
    """Send the logs of this process, uvicorn's included, to stdout. Calling it again changes the level."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    if not any(isinstance(handler, Stdout) for handler in root.handlers):
        root.addHandler(Stdout())
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # its heartbeat is no news
    logging.getLogger("uvicorn.access").disabled = True  # ours knows the actor, and leaves out query strings


@contextmanager
def audit(audit_id: int) -> Iterator[None]:
    """Everything that is logged inside carries ``assay.audit.id``."""
    token = _audit_id.set(audit_id)
    try:
        yield
    finally:
        _audit_id.reset(token)
