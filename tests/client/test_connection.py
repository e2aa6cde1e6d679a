"""The client by itself: light, patient with a busy service, and never twice what may be done but once."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.client import Assay, Problem, ServiceError, connection
from app.client.types import Condition, Decision
from app.gate.schemas import ConditionOut, DecisionOut
from tests.gate.test_check_command import nowhere

__all__ = ["nowhere"]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(connection, "PAUSES", (0.01, 0.01, 0.01))


class Scripted(BaseHTTPRequestHandler):
    """Answers by a script: a status, a status with headers, or "hang up" after reading the request."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.command, self.headers.get("Idempotency-Key"), self.rfile.read(length)))
        step = self.server.script.pop(0)
        if step == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, headers = step if isinstance(step, tuple) else (step, {})
        content = json.dumps({"id": 1, "status": "pass", "detail": "told", "items": []}).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - as the base class calls it

    def log_message(self, *_):
        pass


@contextmanager
def scripted(*script):
    """A service that answers so, and what it was asked."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        server.script, server.asked = list(script), []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Assay(f"http://127.0.0.1:{server.server_port}", "asy_x", timeout=5) as assay:
            yield assay, server.asked
        server.shutdown()


def ask_gate(assay):
    return assay.evaluate("m", "1", environment="production")


def test_importing_it_is_light():
    code = "import sys; from app.client import Assay; Assay(); print(*sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in answer.stdout.split()}
    heavy = (
        "fastapi starlette sqlmodel sqlalchemy pydantic pandas numpy scipy sklearn pyarrow duckdb yaml typer rich"
    )
    assert not loaded & set(heavy.split())
    assert "httpx2" in loaded


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_too_busy_is_asked_again(status):
    with scripted(status, (status, {"Retry-After": "0"}), 200) as (assay, asked):
        assert ask_gate(assay)["status"] == "pass"
    keys = [key for _, key, _ in asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0]


def test_two_requests_have_two_keys():
    with scripted(200, 200) as (assay, asked):
        ask_gate(assay)
        ask_gate(assay)
    assert asked[0][1] != asked[1][1]


def test_it_waits_as_long_as_the_service_asks():
    started = time.monotonic()
    with scripted((503, {"Retry-After": "1"}), 200) as (assay, _):
        ask_gate(assay)
    assert time.monotonic() - started >= 1


def test_who_stays_busy_is_no_answer_in_the_end():
    with scripted(*[503] * 4) as (assay, asked), pytest.raises(ServiceError, match="answered 503: told"):
        ask_gate(assay)
    assert len(asked) == 4


@pytest.mark.parametrize("lost", ["hang up", 502, 504])
def test_what_may_happen_twice_is_sent_again_when_the_answer_was_lost(lost):
    with scripted(lost, 200, lost, 200) as (assay, asked):
        assert ask_gate(assay)["status"] == "pass"
        assert assay.models() == []
    assert [method for method, _, _ in asked] == ["POST", "POST", "GET", "GET"]


@pytest.mark.parametrize("lost", ["hang up", 502, 504])
def test_what_may_happen_only_once_is_not(lost):
    with scripted(lost) as (assay, asked), pytest.raises(ServiceError):
        assay.drill("m", environment="production")
    assert len(asked) == 1


def test_a_failure_of_the_service_is_not_repeated():
    with scripted(500) as (assay, asked), pytest.raises(ServiceError, match="answered 500"):
        ask_gate(assay)
    assert len(asked) == 1


def test_a_stream_is_sent_once(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with scripted(503) as (assay, asked), pytest.raises(ServiceError):
        assay.push_predictions("m", "1", tmp_path / "rows.csv", environment="production")
    assert len(asked) == 1


def test_a_timeout_is_not_repeated():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with Assay(url, timeout=0.5) as assay, pytest.raises(ServiceError):
            ask_gate(assay)
        mute.settimeout(0.1)
        with mute.accept()[0], pytest.raises(TimeoutError):
            mute.accept()


def test_nobody_there_is_a_service_error(nowhere):
    with Assay(nowhere) as assay, pytest.raises(ServiceError, match="does not answer"):
        assay.models()


def test_a_refusal_carries_its_fields(client):
    with pytest.raises(Problem) as refused, scripted((422, {})) as (assay, _):
        ask_gate(assay)
    assert (refused.value.status, refused.value.errors, str(refused.value)) == (422, [], "told")


def test_the_types_are_those_of_the_api():
    assert Decision.__annotations__.keys() == DecisionOut.model_fields.keys()
    assert ConditionOut.model_fields.keys() <= Condition.__annotations__.keys()
