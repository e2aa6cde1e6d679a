"""Workers that are killed while they raise, send and follow: no request is lost, none is made twice, and one that
arrives twice arrives under the same id.

``KILLS=50 pytest tests/training/test_kill.py`` for the long form.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.audits.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

KILLS = int(os.environ.get("KILLS", "4"))
LEASE_SECONDS = 2.0


@pytest.fixture
def start(settings, tmp_path):
    """``start()``: a worker process; all are killed in the end."""
    processes = []
    environment = {
        **os.environ,
        **settings.whereabouts,
        "ASSAY_LEASE_SECONDS": str(LEASE_SECONDS),
        "ASSAY_POLL_SECONDS": "0.05",
        "ASSAY_OUTGOING_ALLOWED_HOSTS": json.dumps(["127.0.0.1"]),
    }

    def start_worker():
        with (tmp_path / f"worker-{len(processes)}.log").open("wb") as log:
            command = [sys.executable, "-m", "app.worker"]
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return processes[-1]

    yield start_worker
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def test_every_failure_asks_once(start, trainer, find, requests, receiver):
    receiver.pause = 0.1
    trainer(cool_down_hours=0, most_open=100, environments=[])
    chance, workers, places = random.Random(28), [start(), start()], []
    for kill in range(KILLS):
        before = len(receiver.bodies)
        for place in (f"place-{kill}-a", f"place-{kill}-b"):
            find({"MON-7": "fail"}, environment=place)
            places.append(place)
        with suppress(AssertionError):
            wait_until(lambda before=before: len(receiver.bodies) > before, 10)
        time.sleep(chance.uniform(0, 0.2))
        victim = chance.randrange(2)
        workers[victim].kill()
        workers[victim].wait()
        workers[victim] = start()
    wait_until(lambda: [row.status for row in requests()] == ["sent"] * len(places), 60)
    rows = requests()
    assert [row.environment for row in rows] == places
    arrived = [head["webhook-id"] for head in receiver.heads]
    assert set(arrived) == {row.key for row in rows}
    assert len(arrived) - len(rows) <= KILLS, "more repetitions than requests that were on their way"
