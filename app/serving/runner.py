"""One served model in a process of its own: asked one request after the other, started again when it dies."""

from __future__ import annotations

import json
import logging
import os
import select
import threading
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from app import sandbox
from app.config import Settings
from app.errors import AssayError, Invalid, Unavailable

log = logging.getLogger(__name__)

CHILD = "app.serving.child"
START_SECONDS = 60.0
CHUNK = 1 << 16


class ModelFailed(AssayError):
    """The model gave no usable answer."""

    status = 500
    slug = "model-failed"


class Busy(Unavailable):
    """Too many requests wait for this model already; try again."""

    slug = "busy"


class Runner:
    """A model's process. ``model``: path, format, manifest and model_class of what it serves, and whether it has
    ``masked`` columns, whose values no message may hold.
    """

    def __init__(self, model: dict[str, Any], settings: Settings) -> None:
        self._model = model
        self._settings = settings
        self._child: sandbox.Child | None = None
        self._classes: list[Any] = []
        self._asking = threading.Lock()
        self._waiting = threading.BoundedSemaphore(settings.prediction_queue)
        self.last_used = time.monotonic()

    @property
    def process_id(self) -> int | None:
        return self._child.pid if self._child else None

    def classes(self) -> list[Any]:
        """The model's classes; starts it. Raises as ``predict`` does."""
        with self._asking:
            self._living()
            return self._classes

    def predict(self, columns: dict[str, list[Any]]) -> dict[str, Any]:
        """``label``, ``proba`` and ``classes`` for the rows in ``columns``.

        Raises:
            Busy: too many wait.
            Unavailable: the process died or took too long; it is started again for the next request.
            Invalid: the model does not take these inputs.
            ModelFailed: it cannot be loaded, or answered with something that is no number.
        """
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            with self._asking:
                answer = self._ask(self._living(), {"columns": columns}, self._settings.prediction_seconds)
        finally:
            self._waiting.release()
            self.last_used = time.monotonic()
        if "refused" in answer:
            raise Invalid(f"The model does not take these inputs: {answer['refused']}")
        if "broken" in answer:
            raise ModelFailed(f"The model gave no usable answer: {answer['broken']}.")
        return answer

    def close(self) -> None:
        with self._asking:
            self._end()

    def _living(self) -> sandbox.Child:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._settings.work_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix="model-", dir=self._settings.work_dir))
        child = sandbox.converse(CHILD, memory_mb=self._settings.prediction_memory_mb, folder=folder)
        self._child = child
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
        ready = self._ask(child, self._model, START_SECONDS)
        if "refused" in ready:
            self._end()
            raise ModelFailed(f"The model cannot be served: {ready['refused']}")
        self._classes = ready["classes"]
        return child

    def _ask(self, child: sandbox.Child, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            line = _exchange(child, json.dumps(request).encode() + b"\n", time.monotonic() + seconds)
        except (OSError, EOFError) as error:
            late = isinstance(error, TimeoutError)
            self._end()
            how = f"took longer than {seconds:g} s" if late else sandbox.ending(child.returncode)
            tail = "" if self._model["masked"] else child.tail()  # libraries print cells too
            log.error("the process of a served model ended: %s", how, extra={"assay.tail": tail})  # noqa: TRY400
            raise Unavailable(f"The model's process was lost ({how}); it is started again: try again.") from None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        if self._child is not None:
            sandbox.kill(self._child)
            self._child = None


def _exchange(child: sandbox.Child, line: bytes, deadline: float) -> bytes:
    """Send one line, receive one. TimeoutError past the deadline, EOFError or OSError when the child is gone."""
    if child.stdin is None or child.stdout is None:
        raise EOFError
    waiting = select.poll()
    waiting.register(child.stdin, select.POLLOUT)
    left = memoryview(line)
    while left:
        _wait(waiting, deadline)
        left = left[os.write(child.stdin.fileno(), left[:CHUNK]) :]
    waiting.unregister(child.stdin)
    waiting.register(child.stdout, select.POLLIN)
    answer = bytearray()
    while not answer.endswith(b"\n"):
        _wait(waiting, deadline)
        part = os.read(child.stdout.fileno(), CHUNK)
        if not part:
            child.wait(1)
            raise EOFError
        answer += part
    return bytes(answer)


def _wait(waiting: select.poll, deadline: float) -> None:
    if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError
