"""The service as one process tree: the web server, and a worker beside it that is restarted when it ends."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from app.config import Settings
from app.db import Database
from app.log import configure
from app.migrate import upgrade

log = logging.getLogger(__name__)

RESTART_SECONDS = 2
STOP_SECONDS = 20


def prepare(settings: Settings) -> None:
    """Bring the database to the newest schema and install the policies that nobody wrote yet."""
    from app.gate.policies import install_defaults

    upgrade(settings)
    database = Database(settings.sqlalchemy_url)
    with database.write() as session:
        install_defaults(session)
    database.dispose()


def run_server(settings: Settings, host: str, port: int, *, with_worker: bool) -> None:
    """Serve until a signal ends it."""
    import uvicorn

    from app.http.patience import patient
    from app.main import create_app

    configure(settings.log_level)
    prepare(settings)
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=patient(settings),
        ws="none",
        log_config=None,
        access_log=False,
        timeout_keep_alive=math.ceil(settings.idle_seconds),
    )
    gc.freeze()  # what was imported stays: collections that would walk through it took up to 30 ms
    # uvicorn stops gracefully, then raises the signal again: what it meets must unwind, or the worker would stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with worker_beside(settings) if with_worker else nullcontext():
        uvicorn.Server(config).run()


@contextmanager
def worker_beside(settings: Settings) -> Iterator[None]:
    """A worker process that lives as long as the block, started anew whenever it ends by itself."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(settings, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join(STOP_SECONDS)


def _keep_worker(settings: Settings, stop: threading.Event) -> None:
    environment = os.environ | settings.whereabouts | {"ASSAY_PUBLIC_URL": settings.public_url}
    command = [sys.executable, "-m", "app.cli", "worker", "--parent", str(os.getpid())]
    while not stop.is_set():
        process = subprocess.Popen(command, env=environment)  # noqa: S603
        while process.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            process.terminate()
            _reap(process)
            return
        log.error("the worker ended with code %s and is started again", process.returncode)
        stop.wait(RESTART_SECONDS)


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_with(parent: int) -> None:
    """End this process by SIGTERM soon after ``parent`` is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
