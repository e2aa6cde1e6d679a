"""Looks into many hostile files quickly: a process that has everything imported, and forks for each file.

What happens in a fork is what happens in the service's own reader (``app.catalog.inspector.examine`` under the
same limits), and then, where a model was accepted, a prediction. ``Forkserver`` is the parent's side.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY_MB = 4096
SECONDS = 15
"""After which an examination is stopped, like the service stops its own."""


class Forkserver:
    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.security.forkserver", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def examine(self, path: Path, filename: str | None = None, what: str = "model") -> dict:
        """``outcome``, ``detail``, ``parsed`` (a library got to see it), ``seconds``.

        Outcomes: refused, accepted, predicted, failed (at prediction), killed, stopped (for time).
        """
        request = {"what": what, "path": str(path), "filename": filename or path.name}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def main() -> None:
    os.chdir(sys.argv[1])
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    import skops.io  # noqa: F401

    from app.catalog import inspector
    from app.engines import models, soundness, tabular  # noqa: F401
    from app.engines.skops_types import allowed

    allowed()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_fork(json.loads(line), inspector.examine)) + "\n")
        sys.stdout.flush()


def _fork(request: dict, examine) -> dict:
    reader, writer = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(request, examine, writer)
    os.close(writer)
    answer = _read(reader, started + SECONDS)
    if answer is None:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(reader)
    seconds = round(time.monotonic() - started, 3)
    last = answer.splitlines() if answer else []
    parsed = b"parsed" in last
    if answer is None:
        return {"outcome": "stopped", "detail": "", "parsed": parsed, "seconds": seconds}
    if os.WIFSIGNALED(status) or not last or last[-1] == b"parsed":
        name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {status >> 8}"
        return {"outcome": "killed", "detail": name, "parsed": parsed, "seconds": seconds}
    return {**json.loads(last[-1]), "parsed": parsed, "seconds": seconds}


def _read(reader: int, deadline: float) -> bytes | None:
    content = b""
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return content
        content += chunk
    return None


def _child(request: dict, examine, writer: int) -> None:
    from app import sandbox

    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.chdir(tempfile.mkdtemp(dir="."))
        sandbox.confine(MEMORY_MB, SECONDS)
        _tell_when_parsing(writer)
        os.write(writer, json.dumps(_outcome(request, examine)).encode())
        code = 0
    finally:
        os._exit(code)


def _outcome(request: dict, examine) -> dict:
    answer = examine(request)
    if "refused" in answer:
        return {"outcome": "refused", "detail": answer["refused"]}
    if request["what"] != "model":
        return {"outcome": "accepted", "detail": answer["facts"]}
    try:
        return {"outcome": "predicted", "detail": _predict(Path(request["path"]), answer["facts"])}
    except Exception as error:  # noqa: BLE001 - a refusal at prediction is fine, a crash is seen by the parent
        return {"outcome": "failed", "detail": f"{type(error).__name__}: {str(error)[:200]}"}


def _predict(path: Path, facts: dict) -> list:
    import numpy as np
    import pandas as pd

    from app.engines import models
    from checks.evidence import Declaration, Feature, Task

    names = facts["feature_names"] or [f"f{i}" for i in range(facts["n_features"])]
    task = Task.MULTICLASS if facts["classes"] else Task.REGRESSION
    declared = Declaration(
        "m", "1", task, "y", tuple(Feature(n, "number") for n in names), "r2", schema_declared=True
    )
    rows = np.random.default_rng(28).normal(size=(64, len(names))) * 10
    frame = pd.DataFrame(rows, columns=names)
    predicted = models.load(path, facts["format"], declared).predict(frame)
    return np.asarray(predicted.label).tolist()


def _tell_when_parsing(writer: int) -> None:
    """Writes "parsed" when a file has passed our own checks and a library's parser gets it."""
    import onnxruntime
    import pyarrow as pa
    import pyarrow.parquet as pq
    import skops.io

    told = []

    def announced(original):
        def call(*args, **kwargs):
            if not told:
                told.append(os.write(writer, b"parsed\n"))
            return original(*args, **kwargs)

        return call

    skops.io.load = announced(skops.io.load)
    onnxruntime.InferenceSession = announced(onnxruntime.InferenceSession)
    pa.ipc.open_file, pa.ipc.open_stream = announced(pa.ipc.open_file), announced(pa.ipc.open_stream)
    pq.ParquetFile = announced(pq.ParquetFile)


if __name__ == "__main__":
    main()
