"""Bodies that are too large, too deep or not what they say."""

import contextlib
import json
import socket
import time

import pytest

from app.access.service import create_token
from app.errors import Invalid
from app.http.bodies import MAX_DEPTH, check_json

MB = 1024 * 1024
JSON = {"Content-Type": "application/json"}
TOKENS = "/api/v1/tokens"


def nested(depth, opening="[", closing="]"):
    return (opening * depth + "1" + closing * depth).encode()


GOOD = {
    "plain": b'{"name": "a", "role": "ci"}',
    "nothing": b"",
    "at the limit": nested(MAX_DEPTH),
    "brackets in strings": b'{"a": "' + b"[" * 1000 + b'"}',
    "escaped quotes": rb'{"a": "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
    "backslash at the end": b'["\\\\", ' + b"[" * 10 + b"]" * 10 + b"]",
    "wide, not deep": b"[" + b"[]," * 99_999 + b"[]]",
    "many values": b"[" + b"1," * 199_998 + b"1]",
    "the largest integer": b"[9223372036854775807, -9223372036854775808]",
    "many digits": b"[0.12345678901234567890123456789]",
    "large but finite": b"[1e308, 1e-999, -1.5E+100]",
    "text": '["\\u00e9\\n", "é", "\\ud83d\\ude00", "😀", "\\\\ud800", "NaN", "1e999"]'.encode(),
    "syntax is left to the parser": b'{"a": }',
    "unclosed": b'{"a": "b',
}
BAD = {
    "deep lists": nested(MAX_DEPTH + 1),
    "deep objects": nested(MAX_DEPTH + 1, '{"a":', "}"),
    "very deep": nested(1_000_000),
    "never closed": b"[" * 1_000_000,
    "mixed": b'[{"a":' * 20 + b"1" + b"}]" * 20,
    "deep behind a quote": b'["\\"", ' + nested(MAX_DEPTH) + b"]",
    "deep behind backslashes": b'["\\\\\\\\", ' + nested(MAX_DEPTH) + b"]",
    "too many values": b"[" + b"1," * 200_000 + b"1]",
    "too many lists": b"[" + b"[]," * 100_000 + b"[]]",
    "too many members": b"{" + b'"a":{},' * 100_000 + b'"b":1}',
    "5,000 digits": b"[" + b"9" * 5000 + b"]",
    "20 digits": b"[10000000000000000000]",
    "one too many": b"[9223372036854775808]",
    "a negative one": b"[-9223372036854775809]",
    "1e999": b"[1e999]",
    "-1e400": b"[-1E+400]",
    "400 digits and a point": b"[" + b"9" * 400 + b".0]",
    "NaN": b'{"a": NaN}',
    "Infinity": b"[-Infinity]",
    "latin-1": b'{"a": "\xe9"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "utf-16 without a mark": '{"a": 1}'.encode("utf-16-le"),
    "utf-32": '{"a": 1}'.encode("utf-32-le"),
    "an encoded surrogate": b'["\xed\xa0\x80"]',
    "half a pair": b'["\\ud800"]',
    "half a pair as a key": b'{"a": {"\\uDFFF": 1}}',
    "NUL": b'["a\\u0000b"]',
    "raw NUL": b'["a\0b"]',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_json_that_passes(body):
    check_json(body)


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_json_that_does_not(body):
    with pytest.raises(Invalid):
        check_json(body)


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_it_is_a_problem_and_not_an_error(client, body):
    for content_type in ("application/json", "application/vnd.x+json; charset=utf-8", "Application/JSON"):
        answer = client("admin").post(TOKENS, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_what_passes_reaches_the_route(client, body):
    answer = client("admin").post(TOKENS, content=body, headers=JSON)
    if body == GOOD["plain"]:
        assert answer.status_code == 201
    else:  # the route's own complaint names a field
        assert answer.status_code == 422
        assert answer.json()["errors"]


HOSTILE = {
    "quotes": b'"' * 8 * MB,
    "escaped quotes": b'"' + b'\\"' * 4 * MB,
    "fewer escaped quotes": b'"' + b'\\"xxxxxxxx' * (50 * 1024),
    "backslashes": b'"' + b"\\" * 8 * MB,
    "backslashes without a string": b"\\" * 8 * MB,
    "brackets": b"[]" * 4 * MB,
    "digits": b"9" * 8 * MB,
    "minus": b"-" * 8 * MB,
    "exponents": b"1e1," * 2 * MB,
    "almost NaN": b"Na" * 4 * MB,
    "escapes": b'"' + b"\\u0041" * (MB + MB // 3) + b'"',
    "numbers": b"[" + b"1," * (4 * MB - 1) + b"1]",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_the_largest_body_is_looked_through_in_linear_time(body):
    start = time.process_time()
    with contextlib.suppress(Invalid):
        check_json(body)
    assert time.process_time() - start < 5  # about 0.3 s; backtracking would take hours


# --- size ---------------------------------------------------------------------------------------


def test_a_body_that_says_that_it_is_too_large(client, settings):
    answer = client("admin").post(TOKENS, content=b"x", headers=JSON | {"Content-Length": str(8 * MB + 1)})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body is larger than 8 MB."


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "text/yaml", ""])
@pytest.mark.parametrize("path", [TOKENS, "/sign-in", "/api/v1/policies/production"])
def test_a_body_that_does_not_say(client, content_type, path):
    def chunks():
        for _ in range(9):
            yield b'"' + b"x" * (MB - 2) + b'"'

    method = "PUT" if "policies" in path else "POST"
    headers = {"Content-Type": content_type or "application/x-www-form-urlencoded"}
    answer = client("admin").request(method, path, content=chunks(), headers=headers)
    # A route that does not read a body of this type never gets to the limit.
    assert answer.status_code == 413 or (answer.status_code == 422 and "json" not in content_type)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_is_counted(client):
    def chunks():
        yield b"code="
        for _ in range(9):
            yield b"x" * MB

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client(None).post("/sign-in", content=chunks(), headers=headers).status_code == 413


def test_just_below_the_limit_is_read(client):
    body = json.dumps({"name": "a", "role": "ci", "padding": "x" * (8 * MB - 100)})
    answer = client("admin").post(TOKENS, content=body, headers=JSON)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["padding"]


@pytest.fixture
def bearer(database):
    with database.write() as session:
        _, secret = create_token(session, name="a", role="admin", created_by="tests")
    return f"Authorization: Bearer {secret}\r\n".encode()


def head(line, *headers):
    return line.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(headers)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
PART = b'Content-Disposition: form-data; name="code"; filename="x"\r\n\r\n'
PART = b"%x\r\n--b\r\n%b\r\n" % (len(PART) + 5, PART)
CHUNK = b"100000\r\n" + b"x" * MB + b"\r\n"
JSON_LINE = b"Content-Type: application/json\r\n"


@pytest.mark.slow
def test_memory_stays_bounded_whatever_is_sent(server, bearer):
    """The server answers early and never holds more than a few bodies."""
    before = server.memory_mb()
    bombs = [
        [head("POST /api/v1/tokens", bearer, JSON_LINE, CHUNKED), b"\r\n", *[CHUNK] * 300],
        [
            head("POST /sign-in", b"Content-Type: application/x-www-form-urlencoded\r\n", CHUNKED),
            b"\r\n",
            *[CHUNK] * 300,
        ],
        [
            head("POST /sign-in", b'Content-Type: multipart/form-data; boundary="b"\r\n', CHUNKED),
            b"\r\n",
            PART,
            *[CHUNK] * 300,
        ],
        [
            head("POST /api/v1/tokens", bearer, JSON_LINE, b"Content-Length: 8000000\r\n"),
            b"\r\n",
            b'{"a":1},' * 1_000_000,
        ],
        [
            head("PUT /api/v1/policies/production", bearer, b"Content-Type: text/yaml\r\n", CHUNKED),
            b"\r\n",
            *[CHUNK] * 300,
        ],
        [
            head("POST /api/v1/tokens", bearer, JSON_LINE, b"Content-Length: 300000000\r\n"),
            b"\r\n",
            b"[" * 300_000_000,
        ],
        [head("POST /api/v1/tokens", bearer, JSON_LINE, b"Content-Length: 8000000\r\n"), b"\r\n", b"[" * 8_000_000],
        [head(f"PUT /api/v1/blobs/{'0' * 64}", bearer, CHUNKED), b"\r\n", *[CHUNK] * 300],
    ]
    for parts in bombs:
        answer = server.send(*parts)
        assert answer.split(b" ", 2)[1] in {b"400", b"413", b"422"}, answer
    assert server.memory_mb("VmHWM") - before < 100  # measured: 21
    assert server.send(head("GET /health/live"), b"\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_a_client_that_goes_away_in_the_middle_leaves_nothing(server, bearer, settings):
    for line, extra in ((f"PUT /api/v1/blobs/{'0' * 64}", b""), ("POST /api/v1/tokens", JSON_LINE)):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head(line, bearer, extra, b"Content-Length: 1000000\r\n") + b"\r\n" + b"[" * 500_000)
    for _ in range(100):
        if server.log.read_text().count(" 400") == 2:
            break
        time.sleep(0.05)
    written = server.log.read_text()
    assert written.count(" 400") == 2, written
    assert '"log.level":"error"' not in written
    assert [path for path in settings.blob_dir.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_an_upload_may_be_larger_than_a_body_but_not_than_its_own_limit(server, bearer, settings):
    import hashlib

    content = b"x" * 20 * MB
    digest = hashlib.sha256(content).hexdigest()
    length = f"Content-Length: {len(content)}\r\n".encode()
    answer = server.send(head(f"PUT /api/v1/blobs/{digest}", bearer, length), b"\r\n", content)
    assert answer.startswith(b"HTTP/1.1 201"), answer
    answer = server.send(head(f"PUT /api/v1/blobs/{'0' * 64}", bearer, b"Content-Length: 34000000\r\n"), b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    answer = server.send(head(f"PUT /api/v1/blobs/{'0' * 64}", bearer, CHUNKED), b"\r\n", *[CHUNK] * 33)
    assert answer.startswith(b"HTTP/1.1 413")
    kept = [path for path in settings.blob_dir.rglob("*") if path.is_file()]
    assert [path.read_bytes() == content for path in kept] == [True]
