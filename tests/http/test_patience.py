"""Who is cut off for being slow, and who only looks slow. With 400 sockets: tests/security/test_slow_clients.py."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time

import pytest
import uvicorn

from app.http import patience

HEAD, IDLE, WINDOW, UNTAKEN = 1.0, 2.0, 1.0, 3.0
LARGE = 30_000_000
LONG = 8.0
"""Far beyond every limit: whoever is open after that was forgotten."""


async def application(scope, receive, send):
    """Answers with the body's length; ``/wait`` only after a while, ``/large`` at length, ``/early`` unread."""
    path, size = scope["path"], 0
    if path == "/wait":
        await asyncio.sleep(3)
    while path != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"x" * LARGE if path == "/large" else str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port():
    protocol = type("Short", (patience.PatientProtocol,), {"limits": patience.Limits(HEAD, IDLE, 500)})
    config = uvicorn.Config(
        application, port=0, http=protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=3600
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(patience, "WINDOW_SECONDS", WINDOW)
        patched.setattr(patience, "UNTAKEN_SECONDS", UNTAKEN)
        patched.setattr(patience, "LOOKS_SECONDS", 0.1)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def connection(port):
    with socket.create_connection(("127.0.0.1", port), LONG) as opened:
        yield opened


def request(line, length=None):
    more = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{line} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def drip(connection, piece, every=0.2):
    """Send ``piece`` again and again; seconds until the other side had enough, and what it said."""
    start, answer = time.monotonic(), b""
    connection.settimeout(every)
    while time.monotonic() - start < LONG:
        try:
            if piece:
                connection.sendall(piece)
            received = connection.recv(65536)
            if not received:
                return time.monotonic() - start, answer
            answer += received
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return time.monotonic() - start, answer
    raise AssertionError(f"still open after {LONG} s: {answer[:500]}")


def answer_of(connection, size):
    """The end of an answer whose body has ``size`` bytes."""
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < size:
        got = connection.recv(65536)
        assert got, received
        received += got
    return received


# --- cut off ------------------------------------------------------------------------------------

SLOW = {
    "nothing": (b"", b"", False),
    "blank lines": (b"", b"\r\n", False),
    "a head": (b"GET / HTTP/1.1\r\n", b"X: y\r\n", True),
    "a head that never ends": (b"GET /", b"x", True),
    "a body": (request("POST /", 10**6), b"x" * 10, True),
    "a body in chunks": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", True),
    "a body without a byte": (request("POST /", 10**6), b"", True),
    "a body that nobody reads": (request("POST /early", 10**6), b"x", False),
    "an answered request and blank lines": (request("GET /"), b"\r\n", False),
    "an answered request and half of a second": (request("GET /") + b"GET / HTTP/1.1\r\n", b"X: y\r\n", True),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_clients_are_cut_off(connection, name):
    begins, goes_on, told = SLOW[name]
    connection.sendall(begins)
    seconds, answer = drip(connection, goes_on)
    assert seconds < IDLE + 2
    assert answer.startswith(b"HTTP/1.1 200") is ("answered" in name or "nobody" in name)
    if told:
        body = json.loads(answer[answer.rindex(b"\r\n\r\n") :])
        assert (body["status"], body["type"]) == (408, "urn:assay:problem:too-slow")
    else:
        assert b"408" not in answer


def taken_from(connection, size):
    """How much of an answer of ``size`` bytes still comes."""
    taken = 0
    while taken < size:
        received = connection.recv(2**20)
        if not received:
            break
        taken += len(received)
    return taken


def test_who_does_not_take_the_answer_is_cut_off(connection):
    connection.sendall(request("GET /large"))
    time.sleep(UNTAKEN * 2)
    assert taken_from(connection, LARGE) < LARGE


# --- not cut off --------------------------------------------------------------------------------


def test_a_slow_and_steady_body_arrives(connection):
    connection.sendall(request("POST /", 4000))
    for _ in range(20):
        connection.sendall(b"x" * 200)
        time.sleep(0.2)
    assert answer_of(connection, 4).endswith(b"4000")


def test_a_short_pause_is_no_slowness(connection):
    connection.sendall(request("POST /", 4000) + b"x" * 3000)
    time.sleep(WINDOW * 0.8)
    connection.sendall(b"x" * 1000)
    assert answer_of(connection, 4).endswith(b"4000")


def test_what_this_service_does_not_read_yet_is_not_the_clients_fault(connection):
    """The application waits three windows, so that uvicorn stops reading."""
    size = 20_000_000
    connection.sendall(request("POST /wait", size) + b"x" * size)
    assert answer_of(connection, 8).endswith(b"20000000")


def test_an_answer_may_take_its_time(connection):
    connection.sendall(request("GET /wait"))
    assert answer_of(connection, 1).endswith(b"0")


def test_a_large_answer_may_be_taken_slowly(connection):
    connection.sendall(request("GET /large"))
    taken = 0
    for _ in range(70):
        taken += len(connection.recv(65536))
        time.sleep(0.1)
    assert taken + taken_from(connection, LARGE - taken) >= LARGE


def test_a_connection_is_used_again(connection):
    for _ in range(3):
        connection.sendall(request("POST /", 3) + b"abc")
        assert answer_of(connection, 1).endswith(b"3")
        time.sleep(HEAD * 1.4)


def test_requests_may_be_sent_ahead_of_their_answers(connection):
    connection.sendall(b"".join(request("POST /", n) + b"x" * n for n in (1, 2, 3)))
    received = b""
    while received.count(b"HTTP/1.1 200 OK") < 3 or not received.endswith(b"3"):
        received += connection.recv(65536)
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"1", b"2", b"3"]


def test_an_upgrade_is_not_taken_and_not_in_the_way(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert answer_of(connection, 1).startswith(b"HTTP/1.1 200")


def test_an_idle_connection_ends_in_its_own_time(connection):
    connection.sendall(request("GET /"))
    seconds, answer = drip(connection, b"")
    assert answer.startswith(b"HTTP/1.1 200")
    assert IDLE - 0.5 < seconds < IDLE + 2
