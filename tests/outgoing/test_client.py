"""The guarded client against real sockets: what it reaches, and that what it must not reach hears nothing."""

from __future__ import annotations

import datetime as dt
import os
import ssl
import time
from ipaddress import ip_address

import pytest

from app.outgoing import Client, Failed, Refused
from tests.outgoing.test_urls import HOSTILE

PUBLIC, LOOPBACK, WRAPPED = map(ip_address, ("1.1.1.1", "127.0.0.1", "::ffff:7f00:1"))


class Resolver:
    """Answers each question with the next of ``answers``, the last one for ever."""

    def __init__(self, *answers) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, _host, _port):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return answer


def local(listener, **options):
    return Client(["127.0.0.0/8"], **options), f"http://127.0.0.1:{listener.port}/hook?a=1"


def test_a_request_arrives_and_is_answered(listener):
    client, url = local(listener)
    answer = client.send("POST", url, headers={"X-A": "b"}, content=b"{}")
    assert (answer.status, answer.content, answer.complete) == (200, b"ok", True)
    assert answer.headers["x-request-id"] == "r1"
    head, _, body = listener.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{listener.port}".encode() in head
    assert b"X-A: b" in head
    assert body == b"{}"


def test_loopback_hears_nothing_of_hostile_urls(listener):
    for url in HOSTILE:
        with_port = url.replace("127.0.0.1/", f"127.0.0.1:{listener.port}/").replace(
            "localhost/", f"localhost:{listener.port}/"
        )
        for scheme in ("http", "https"):
            with pytest.raises(Refused):
                Client().send("POST", with_port.replace("https", scheme, 1), seconds=2)
    assert listener.connections == 0


@pytest.mark.parametrize(
    "answer", [[LOOPBACK], [PUBLIC, LOOPBACK], [LOOPBACK, PUBLIC], [ip_address("::ffff:7f00:1")]]
)
def test_one_private_address_among_those_of_a_name_is_enough(listener, answer):
    with pytest.raises(Refused, match=r"leads to 127\.0\.0\.1, which is not a public address"):
        Client(resolve=Resolver(answer)).send("POST", "https://hooks.example/")
    assert listener.connections == 0


def test_a_name_is_asked_once_and_its_answer_dialled(listener):
    """Rebinding: loopback is what the second question would be answered with, and the first is never dialled."""
    resolver = Resolver([ip_address("127.0.0.2")], [LOOPBACK])
    client = Client(["127.0.0.2"], resolve=resolver)
    with pytest.raises(Failed):
        client.send("POST", f"http://hooks.example:{listener.port}/", seconds=2)
    assert (resolver.asked, listener.connections) == (1, 0)
    with pytest.raises(Refused):
        client.send("POST", f"http://hooks.example:{listener.port}/", seconds=2)
    assert (resolver.asked, listener.connections) == (2, 0)


def test_the_next_address_is_tried_when_nobody_listens_at_the_first(listener):
    client = Client(["127.0.0.0/8"], resolve=Resolver([ip_address("127.0.0.2"), LOOPBACK]))
    assert client.send("POST", f"http://hooks.example:{listener.port}/").status == 200
    assert f"Host: hooks.example:{listener.port}".encode() in listener.requests[0]


def test_a_redirect_is_an_answer_and_is_not_followed(listener):
    client, url = local(listener)
    location = f"http://127.0.0.1:{listener.port}/other".encode()
    listener.pieces = [b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"]
    answer = client.send("POST", url)
    assert (answer.status, listener.connections) == (302, 1)


def test_proxies_and_credentials_of_the_environment_are_not_used(listener, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login l password p\n")
    monkeypatch.setenv("NETRC", os.fspath(tmp_path / ".netrc"))
    client = Client(["127.0.0.2"])
    with pytest.raises(Failed):
        client.send("POST", "http://127.0.0.2:9/", seconds=2)
    assert listener.connections == 0
    client, url = local(listener)
    client.send("POST", url)
    assert b"authorization" not in listener.requests[0].lower()


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 100],
        [b"H", b"T", b"T", b"P", *[b"/"] * 100],
    ],
    ids=["headers", "status line"],
)
def test_a_trickle_before_the_answer_ends_at_the_deadline(listener, pieces):
    client, url = local(listener)
    listener.pieces, listener.pause = pieces, 0.1
    started = time.monotonic()
    with pytest.raises(Failed):
        client.send("POST", url, seconds=0.6)
    assert time.monotonic() - started < 8  # the whole trickle takes 10


def test_a_trickle_after_the_status_is_an_answer_cut_short(listener):
    client, url = local(listener)
    listener.pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"."] * 100]
    listener.pause = 0.1
    started = time.monotonic()
    answer = client.send("POST", url, seconds=0.6)
    assert time.monotonic() - started < 8  # the whole trickle takes 10
    assert (answer.status, answer.complete) == (200, False)


def test_a_flood_is_cut_short(listener):
    client, url = local(listener)
    listener.pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", *[b"x" * 65536] * 1500]
    answer = client.send("POST", url, most_bytes=1000)
    assert (len(answer.content), answer.complete) == (1000, False)
    listener.pieces = [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000]
    with pytest.raises(Failed):
        client.send("POST", url)


@pytest.mark.parametrize("pieces", [[], [b"SSH-2.0-OpenSSH\r\n"], [b"HTTP/1.1 abc\r\n\r\n"], [b"\x00" * 50]])
def test_what_is_no_http_is_no_answer(listener, pieces):
    client, url = local(listener)
    listener.pieces = pieces
    with pytest.raises(Failed):
        client.send("POST", url, seconds=2)


@pytest.mark.parametrize("header", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}])
def test_headers_cannot_be_smuggled_in(listener, header):
    client, url = local(listener)
    with pytest.raises(Failed):
        client.send("POST", url, headers=header)
    assert all(b"Y: b" not in request for request in listener.requests)


def test_a_name_that_cannot_be_resolved():
    def unknown(_host, _port):
        raise OSError("no such name")

    client = Client(resolve=unknown)
    client.check("https://hooks.example/")
    with pytest.raises(Failed, match=r"hooks\.example cannot be resolved"):
        client.send("POST", "https://hooks.example/")


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path):
        """``certificate(name)``: a server's and a client's TLS context, with a certificate for that name."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        def make(name):
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            now = dt.datetime.now(dt.UTC)
            made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            made = made.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            plain = serialization.NoEncryption()
            private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            (tmp_path / "pair.pem").write_bytes(pem + private)
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(tmp_path / "pair.pem")
            return server, ssl.create_default_context(cadata=pem.decode())

        return make

    def test_certificate_and_sni_go_by_the_name(self, listener, certificate):
        listener.tls, trusted = certificate("hooks.example")
        named = []
        listener.tls.sni_callback = lambda _socket, name, _context: named.append(name)
        client = Client(["hooks.example"], resolve=Resolver([LOOPBACK]), tls=trusted)
        assert client.send("POST", f"https://hooks.example:{listener.port}/").status == 200
        assert named == ["hooks.example"]
        assert f"Host: hooks.example:{listener.port}".encode() in listener.requests[0]

    def test_another_names_certificate_is_refused(self, listener, certificate):
        listener.tls, trusted = certificate("other.example")
        client = Client(["hooks.example"], resolve=Resolver([LOOPBACK]), tls=trusted)
        with pytest.raises(Failed, match="certificate"):
            client.send("POST", f"https://hooks.example:{listener.port}/")
        assert listener.requests == []

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, listener, certificate):
        listener.tls, _ = certificate("hooks.example")
        client = Client(["hooks.example"], resolve=Resolver([LOOPBACK]))
        with pytest.raises(Failed, match="certificate"):
            client.send("POST", f"https://hooks.example:{listener.port}/")
