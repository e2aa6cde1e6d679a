"""Workers that are killed and stopped at random points while they send: no alert is lost, and a message that comes
twice comes under the same id.

``KILLS=200 pytest tests/alerts/test_kill.py`` for the long form.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import pytest

from app.alerts.deliverer import SENDERS
from tests.audits.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

KILLS = int(os.environ.get("KILLS", "6"))
ALERTS_A_KILL = 6
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

    def start_worker(module="app.worker"):
        with (tmp_path / f"worker-{len(processes)}.log").open("wb") as log:
            command = [sys.executable, "-m", module]
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return processes[-1]

    yield start_worker
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def violations(receiver, deliveries) -> list[str]:
    """What must never be: an alert that nobody got, a receipt for what did not arrive, an id that nobody knows."""
    arrived = Counter(message_id for message_id, _ in receiver.got)
    found = [f"{one.message_id} is {one.status}" for one in deliveries if one.status != "delivered"]
    found += [f"{one.message_id} is lost" for one in deliveries if not arrived[one.message_id]]
    found += [f"{one} is nobody's" for one in arrived.keys() - {one.message_id for one in deliveries}]
    found += [
        f"{one.message_id} came {arrived[one.message_id]} times in {one.attempts} attempts"
        for one in deliveries
        if arrived[one.message_id] > one.attempts
    ]
    return found


def wear_down(start, tell, receiver, module="app.worker"):
    """Raise alerts while two workers are killed, or stopped for longer than a claim holds, one after the other."""
    chance = random.Random(28)
    workers = [start(module), start(module)]
    for _ in range(KILLS):
        before = len(receiver.got)
        for _ in range(ALERTS_A_KILL):
            tell()
        with suppress(AssertionError):
            wait_until(lambda before=before: len(receiver.got) > before, 5)
        time.sleep(chance.uniform(0, 0.1))
        victim = chance.randrange(2)
        if chance.random() < 0.3:
            workers[victim].send_signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS + chance.uniform(0.1, 0.5))
            workers[victim].send_signal(signal.SIGCONT)
        else:
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start(module)


def settled(deliveries):
    return all(one.status != "pending" for one in deliveries())


def test_no_alert_is_lost_and_repetitions_carry_the_same_id(
    start, subscribe, tell, deliveries, receiver, record_property
):
    receiver.pause = 0.03
    subscribe(target=receiver.url)
    wear_down(start, tell, receiver)
    wait_until(lambda: settled(deliveries), 60 + 5 * KILLS)
    assert violations(receiver, deliveries()) == []
    repeated = len(receiver.got) - KILLS * ALERTS_A_KILL
    record_property("repeated", repeated)
    print(f"{KILLS} kills, {KILLS * ALERTS_A_KILL} alerts, {repeated} repeated")  # noqa: T201
    assert repeated <= KILLS * SENDERS, "more repetitions than messages that were on their way when a worker died"


def test_the_harness_sees_what_is_lost(start, subscribe, tell, deliveries, receiver):
    receiver.pause = 0.03
    subscribe(target=receiver.url)
    wear_down(start, tell, receiver, "tests.alerts.careless_worker")
    wait_until(lambda: settled(deliveries), 60)
    assert [one for one in violations(receiver, deliveries()) if one.endswith("is lost")]
