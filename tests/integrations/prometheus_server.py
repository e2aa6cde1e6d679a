"""A real Prometheus with our configuration."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import yaml

from app.config import ROOT

INTEGRATION = ROOT / "integrations" / "prometheus"
START_SECONDS = 60


@dataclass
class Prometheus:
    url: str

    def get(self, path: str, **parameters: str) -> dict:
        answer = httpx2.get(f"{self.url}/api/v1/{path}", params=parameters)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def value(self, query: str) -> float | None:
        """Of the only series that the query gives; None when it gives none."""
        result = self.get("query", query=query)["result"]
        assert len(result) < 2, result
        return float(result[0]["value"][1]) if result else None

    def alerts(self) -> set[tuple[str, str, str]]:
        """(name, model, state) of everything that is pending or firing."""
        found = self.get("alerts")["alerts"]
        return {(one["labels"]["alertname"], one["labels"].get("model", ""), one["state"]) for one in found}


def program(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is missing: apt-get install prometheus (as .ci/run does)"
    return path


@contextmanager
def started(folder: Path, target: str, token: str):
    """On the shipped files; only address and intervals are a test's own. ``target`` "": it scrapes itself."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    configuration = yaml.safe_load((INTEGRATION / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [target or address]}]
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    (folder / "assay.token").write_text(token + "\n")
    shutil.copy(INTEGRATION / "assay.rules.yml", folder)
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://{address}", process, folder / "log")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/-/ready").is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())
