"""The service as a user runs it: ``assay serve`` in a process of its own, and the command line against it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from app.client import Assay, ServiceError
from app.config import Settings
from tests.catalog.releases import with_skops

pytestmark = pytest.mark.slow

NAME = "tumour-malignancy@1.0.0"
ASSAY = [sys.executable, "-m", "app.cli"]


@dataclass
class Service:
    url: str
    settings: Settings
    process: subprocess.Popen
    token: str = ""

    def assay(self, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line against this service."""
        environment = {
            **os.environ,
            **self.settings.whereabouts,
            "ASSAY_URL": url or self.url,
            "ASSAY_TOKEN": self.token,
        }
        return subprocess.run(
            [*ASSAY, *arguments], env=environment, capture_output=True, text=True, timeout=180, check=False
        )

    @property
    def client(self) -> Assay:
        return Assay(self.url, self.token)

    def worker_pid(self) -> int:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = {int(pid) for task in tasks for pid in task.read_text().split()}
        return next(pid for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(settings: Settings):
    """A service over its own folder and database, ended at the end."""
    port = free_port()
    environment = {**os.environ, **settings.whereabouts, "ASSAY_LEASE_SECONDS": "3"}
    with (settings.data_dir / "log").open("wb") as log:
        process = subprocess.Popen(
            [*ASSAY, "serve", "--port", str(port)], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            running = Service(f"http://127.0.0.1:{port}", settings, process)
            wait_until_ready(running)
            yield running
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def service(tmp_path_factory, elsewhere):
    with elsewhere(tmp_path_factory.mktemp("end-to-end")) as settings, started(settings) as running:
        running.token = running.assay("token", "create", "--name", "pipeline", "--role", "ci").stdout.strip()
        yield running


def test_a_service_takes_its_worker_along(tmp_path_factory, elsewhere):
    """However it ends: asked to, or killed."""
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        with elsewhere(tmp_path_factory.mktemp("ends")) as settings, started(settings) as service:
            worker = service.worker_pid()
            service.process.send_signal(number)
            assert service.process.wait(30) == code
            assert gone(worker), "the worker outlived its service"


def gone(pid: int, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.1)
    return False


def wait_until_ready(service: Service) -> None:
    with service.client as client:
        for _ in range(300):
            try:
                client.health()
            except ServiceError:
                time.sleep(0.2)
            else:
                return
    pytest.fail("the service did not start")


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    made, _ = with_skops(folder)
    made["data"] = {"train": {"path": "train.parquet"}, "test": {"path": "test.parquet"}}
    (folder / "assay.yaml").write_text(yaml.safe_dump(made))
    return folder


@pytest.fixture(scope="module")
def registered(service, release):
    answer = service.assay("model", "register", "-f", str(release / "assay.yaml"))
    assert answer.returncode == 0, answer.stderr
    return answer


@pytest.fixture(scope="module")
def audited(service, registered):
    answer = service.assay("audit", "run", NAME, "--watch")
    assert answer.returncode == 0, answer.stderr
    return answer


def test_registering_again_changes_nothing(service, registered, release):
    assert f"{NAME} registered\n{service.url}/models/" in registered.stdout, "the service knows its own port"
    again = service.assay("model", "register", "-f", str(release / "assay.yaml"))
    assert again.returncode == 0
    assert "unchanged" in again.stdout


def test_other_content_is_refused_by_name(service, registered, release):
    manifest = (release / "assay.yaml").read_text().replace("floor: 0.9", "floor: 0.8")
    (release / "other.yaml").write_text(manifest)
    answer = service.assay("model", "register", "-f", str(release / "other.yaml"))
    assert answer.returncode == 1
    assert "quality.floor: registered as 0.9, now 0.8" in answer.stderr


def test_a_mistake_in_the_manifest_names_its_line(service, release):
    (release / "wrong.yaml").write_text((release / "assay.yaml").read_text().replace("risk_tier", "risk_teir"))
    answer = service.assay("model", "register", "-f", str(release / "wrong.yaml"))
    assert answer.returncode == 1
    assert 'did you mean "risk_tier"?' in answer.stderr
    assert "wrong.yaml:" in answer.stderr


def test_an_audit_is_followed_check_by_check(audited):
    told = {line.split()[0]: line.split()[1] for line in audited.stdout.splitlines() if line.startswith("  ")}
    assert told["DATA-1"] == "pass"
    assert told["INFRA-2"] == "inconclusive"


def test_the_scorecard_is_shown(service, audited):
    shown = service.assay("scorecard", "show", NAME)
    assert "ML Test Score" in shown.stdout
    card = json.loads(service.assay("scorecard", "show", NAME, "-o", "json").stdout)
    assert card["score"] == min(section["score"] for section in card["sections"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["gate", "check", NAME, "-e", "staging"], 0),
        (["gate", "check", NAME, "-e", "production", "--wait"], 1),
        (["gate", "check", NAME, "-e", "nowhere"], 64),
        (["gate", "check", "nobody@1", "-e", "staging"], 64),
        (["gate", "check", "no-version", "-e", "staging"], 64),
        (["gate", "chekc"], 64),
    ],
)
def test_the_exit_code_tells_no_from_do_not_know_from_nonsense(service, audited, arguments, code):
    answer = service.assay(*arguments)
    assert answer.returncode == code, answer.stdout + answer.stderr


def test_a_service_that_is_down_is_told_apart(service):
    answer = service.assay("gate", "check", NAME, "-e", "staging", url=f"http://127.0.0.1:{free_port()}")
    assert answer.returncode == 3


def test_the_gates_answer_in_every_form(service, audited):
    ask = ["gate", "check", NAME, "-e", "staging", "--dry-run", "-o"]
    assert json.loads(service.assay(*ask, "json").stdout)["status"] == "pass"
    assert ET.fromstring(service.assay(*ask, "junit").stdout).iter("testcase")
    assert "\n### PASS" in service.assay(*ask, "markdown").stdout


def test_a_worker_that_is_killed_loses_no_audit(service, registered):
    with service.client as client:
        audit = client.run_audit("tumour-malignancy", "1.0.0")
        for state in client.watch_audit(audit["id"], timeout=60):
            if state["status"] == "running":
                break
        os.kill(service.worker_pid(), signal.SIGKILL)
        *_, ended = client.watch_audit(audit["id"], timeout=120)
        findings = client.findings(audit["id"])
    assert (ended["status"], ended["attempts"]) == ("succeeded", 2)
    assert sorted(f["check_id"] for f in findings) == sorted(ended["progress"])


def test_the_badge_and_the_pages_are_served(service, audited):
    import httpx2

    badge = httpx2.get(f"{service.url}/badges/tumour-malignancy.json").json()
    assert badge["schemaVersion"] == 1
    page = httpx2.get(f"{service.url}/models/tumour-malignancy", headers={"Accept": "text/html"})
    assert page.status_code in {303, 401}


def test_a_token_that_is_missing_or_may_not_is_explained(service, release):
    token, service.token = service.token, ""
    try:
        unknown = service.assay("model", "register", "-f", str(release / "assay.yaml"))
        service.token = service.assay("token", "create", "--name", "reader", "--role", "viewer").stdout.strip()
        forbidden = service.assay("model", "register", "-f", str(release / "assay.yaml"))
    finally:
        service.token = token
    assert "set ASSAY_TOKEN" in unknown.stderr
    assert "does not carry the scope" in forbidden.stderr


def test_what_the_service_refuses_is_told_with_its_line(service, release):
    text = (release / "assay.yaml").read_text().replace("label: malignant", "label: malignent")
    (release / "refused.yaml").write_text(text)
    answer = service.assay("model", "register", "-f", str(release / "refused.yaml"), "--version", "9")
    assert answer.returncode == 1
    line = text.splitlines().index("  train:") + 1
    assert f"refused.yaml:{line}: data.train: has no column 'malignent'" in answer.stderr


def test_a_shell_in_the_wrong_folder_is_told_so(service, tmp_path):
    nowhere = Settings(data_dir=tmp_path / "nothing", database_url="")
    answer = Service(service.url, nowhere, service.process).assay("token", "create", "--name", "x", "--role", "ci")
    assert (answer.returncode, "there is no database" in answer.stderr) == (1, True)
