"""The training pipeline as a service: whoever asks by a signed webhook gets a new version.

WEBHOOK_SECRET=whsec_... ASSAY_URL=... ASSAY_TOKEN=... python pipeline.py --port 8400 --builds build

Requests are signed after Standard Webhooks; one that comes again, or unsigned, or from long ago, starts nothing.
Each starts one run: train (``retrain.py``), run the unit tests, register the version and tell Assay's ledger how it
went, all by Assay's command line. Assay then audits and gates the version by itself; if it may, it enters the
environment that the request came from as a canary.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import queue
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PIPELINE, PATIENCE_SECONDS = "credit-default-training", 900
REASONS = {"degradation": "degraded_accuracy"}
"""By cause of the request; any other means new data."""
OLDEST_SECONDS, MOST_BYTES = 300, 1024 * 1024
Told = dict[str, Any]


class Refused(Exception):
    """Nobody who may asked for this."""


class Requests:
    """What was asked for, once each."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen: set[str] = set()
        self.waiting: queue.Queue[Told] = queue.Queue()

    def take(self, message_id: str, at: str, signatures: str, content: bytes) -> None:
        """Raises Refused: it is not signed by Assay, or was long ago."""
        mac = hmac.digest(self._key, f"{message_id}.{at}.".encode() + content, hashlib.sha256)
        expected = f"v1,{base64.b64encode(mac).decode()}"
        if not any(hmac.compare_digest(expected, one) for one in signatures.split()):
            raise Refused("the signature is wrong")
        if abs(time.time() - int(at)) > OLDEST_SECONDS:
            raise Refused("it is too old")
        if message_id not in self._seen:
            self._seen.add(message_id)
            self.waiting.put(json.loads(content)["data"])


def handler_for(requests: Requests) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(min(int(self.headers.get("content-length", 0)), MOST_BYTES))
            signed = [self.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")]
            try:
                requests.take(signed[0], signed[1], signed[2], content)
            except Refused as error:
                self.send_error(401, str(error))
            else:
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

    return Handler


def answer(asked: Told, builds: Path) -> None:
    """One run: a new version, and the ledger told of it whatever happens."""
    number = len(list(builds.glob("1.3.*")))
    version, run = f"1.3.{number}", f"retrain-{asked['request']}"
    out = builds / version
    out.mkdir(parents=True)
    event = {
        "kind": "pipeline_run",
        "pipeline": PIPELINE,
        "run": run,
        "request": asked["request"],
        "trigger": asked["cause"],
        "orchestrator": "pipeline.py",
        "orchestrated": True,
        "model": asked["model"],
        "started_at": now(),
    }
    tell(out, event | {"state": "running"})
    try:
        train(asked, version, run, builds, out)
    except subprocess.CalledProcessError as error:
        tell(out, event | {"state": "failed", "finished_at": now()})
        print(f"{run}: {error}", flush=True)
        return
    record = json.loads((out / "run.json").read_text())
    tell(out, event | record | {"state": "succeeded", "version": version, "finished_at": now()})
    assay("training", "show", asked["request"], "--wait", str(PATIENCE_SECONDS))  # Assay audits and gates it
    why = f"{asked['cause']}, request {asked['request']}"
    name = f"{asked['model']}@{version}"
    assay("deploy", name, "--environment", asked["environment"], "--role", "canary", "--reason", why)


def train(asked: Told, version: str, run: str, builds: Path, out: Path) -> None:
    """Raises CalledProcessError where a step fails."""
    reason = REASONS.get(asked["cause"], "new_data")
    made = ("--version", version, "--run", run, "--reason", reason, "--served", str(builds), "--out", str(out))
    call(sys.executable, "retrain.py", *made)
    junit = f"--junitxml={out / 'reports' / 'junit.xml'}"
    call(sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", junit)
    assay("model", "register", "-f", str(out / "assay.yaml"))


def tell(out: Path, event: Told) -> None:
    """Tell Assay's ledger; a line of ``events.jsonl`` is one event."""
    line = {"id": f"{event['run']}:{event['state']}", "at": now(), **event}
    with (out / "events.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assay("ledger", "push", str(out / "events.jsonl"))


def assay(*arguments: str) -> None:
    call("assay", *arguments)


def call(*command: str) -> None:
    subprocess.run(command, cwd=HERE, check=True)  # noqa: S603 - words of our own


def now() -> str:
    return datetime.now(UTC).isoformat()


def work(requests: Requests, builds: Path) -> None:
    """One run after another, in the order in which they were asked for."""
    while True:
        asked = requests.waiting.get()
        try:
            answer(asked, builds)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{asked['request']}: {error}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--builds", type=Path, required=True, help="folder of releases and served weeks")
    asked = parser.parse_args()
    requests = Requests(os.environ["WEBHOOK_SECRET"])
    threading.Thread(target=work, args=(requests, asked.builds.resolve()), daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", asked.port), handler_for(requests)).serve_forever()


if __name__ == "__main__":
    main()
