"""What is called, what is refused, address by address and URL by URL."""

from ipaddress import ip_address

import pytest

from app.outgoing import Client, Refused
from app.outgoing.client import system_resolve
from app.outgoing.urls import is_public, parse

HOSTILE = (
    # other ways to write 127.0.0.1
    "https://127.0.0.1/", "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://127.1/",
    "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://127.0.0.1./", "https://127.0.0.0x1/", "https://0/",
    "https://127.000.000.001/", "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://0x/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/", "https://[::1%25lo]/",
    # figures and letters of other scripts
    "https://\u2460\u2461\u2466.0.0.1/", "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/", "https://\u24dbocalhost/", "https://\u0660/",
    # private, link-local, shared, reserved
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/", "https://0.0.0.0/", "https://192.0.0.1/", "https://192.0.2.1/", "https://198.18.0.1/",
    "https://224.0.0.1/", "https://240.0.0.1/", "https://255.255.255.255/", "https://192.88.99.1/",
    "https://[fe80::1]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[fec0::1]/", "https://[ff02::1]/",
    "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[100::1]/", "https://[::ffff:169.254.169.254]/",
    # user information, and what parsers disagree about
    "https://user@1.1.1.1/", "https://1.1.1.1@127.0.0.1/", "https://1.1.1.1:443@127.0.0.1/", "https://@1.1.1.1/",
    "https://1.1.1.1\\@127.0.0.1/", "https://127.0.0.1\\.1.1.1.1/", "https://1.1.1.1#@127.0.0.1:x/",
    "https://1.1.1.1 .example/", "https://1.1.1.1\t/", "https://1.1.1.1\r\nHost: x/", "https://1.1.1.1%2f@x/",
    "https://%31%32%37.0.0.1/", "https://127.0.0.1%00.example.com/", "https:///127.0.0.1/", "https:127.0.0.1",
    "//127.0.0.1/", "https://", "https://.", "https://..example/", "https://[::1/", "https://::1/", "https://[]/",
    "https://[1.1.1.1]/", "https://[v1.x]/",
    # other schemes and ports
    "http://1.1.1.1/", "ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "javascript:alert(1)",
    "unix:///run/docker.sock", "https+unix://x/", "", "https://1.1.1.1:22/", "https://1.1.1.1:0/",
    "https://1.1.1.1:65536/", "https://1.1.1.1:-1/", "https://1.1.1.1:4\uff143/", "https://1.1.1.1:443:443/",
    "https://1.1.1.1/#x", "https://1.1.1.1/" + "a" * 2000,
)  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused(url):
    with pytest.raises(Refused):
        Client().check(url)


@pytest.mark.parametrize(
    "url",
    ["https://1.1.1.1/", "https://[2606:4700:4700::1111]/x", "https://1.1.1.1:8443/?a=b", "HTTPS://1.1.1.1",
     "https://[::ffff:1.1.1.1]/", "https://[64:ff9b::1.1.1.1]/"],
)  # fmt: skip
def test_public_ones_are_not(url):
    Client().check(url)


def test_a_name_may_begin_with_figures_but_not_end_in_them():
    resolve = lambda _host, _port: [ip_address("1.1.1.1")]  # noqa: E731
    Client(resolve=resolve).check("https://1password.example/")
    Client(resolve=resolve).check("https://4.example/")
    with pytest.raises(Refused, match="neither a name nor an address"):
        Client(resolve=resolve).check("https://example.4/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("1.0.0.1", True), ("100.63.255.255", True), ("100.64.0.0", False),
        ("172.15.255.255", True), ("172.31.255.255", False), ("172.32.0.0", True), ("223.255.255.255", True),
        ("239.255.255.255", False), ("169.253.0.1", True), ("2600::", True), ("4000::1", False),
        ("2001:200::1", True), ("2001:1ff::1", False), ("2003::1", True), ("2002:808:808::", False),
    ],
)  # fmt: skip
def test_what_is_public(address, public):
    assert is_public(ip_address(address)) is public


def test_parts():
    target = parse("HTTPS://Hooks.Example:8443/a/b?c=d")
    assert target == type(target)("https", "hooks.example", 8443, "/a/b?c=d")
    assert parse("http://a").port == 80
    assert parse("https://[2606:4700::0:1]?x").host == "2606:4700::1"


@pytest.mark.parametrize(
    ("allowed", "url", "passes"),
    [
        ("127.0.0.1", "http://127.0.0.1:9/", True),
        ("127.0.0.1:9", "http://127.0.0.1:9/", True),
        ("127.0.0.1:9", "http://127.0.0.1:10/", False),
        ("127.0.0.0/8", "http://127.5.5.5:9/", True),
        ("10.0.0.0/8", "http://127.0.0.1:9/", False),
        ("localhost", "http://localhost:9/", True),
        ("LocalHost", "http://localhost:9/", True),
        ("localhost", "http://127.0.0.1:9/", False),
        ("localhost", "http://x.localhost.example:9/", False),
        ("::1", "http://[::1]:9/", True),
        ("[::1]:9", "http://[::1]:9/", True),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]:9/", True),
        ("10.0.0.0/8", "http://user@10.0.0.1/", False),
    ],
)
def test_what_an_administrator_allows(allowed, url, passes):
    client = Client([allowed], resolve=lambda *_: [ip_address("127.0.0.1")])
    if passes:
        client.check(url)
    else:
        with pytest.raises(Refused):
            client.check(url)


def test_the_systems_resolver():
    assert ip_address("127.0.0.1") in system_resolve("localhost", 80)
