"""Who sends too much is told to wait; nobody else is."""

import pytest
from fastapi.testclient import TestClient

from app.access import tokens
from app.http import rates
from app.http.rates import Buckets, TooManyRequests, network_of
from app.main import create_app

BAD = {"Authorization": f"Bearer {tokens.new_secret()}"}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def taken(buckets, key="k", most=1000):
    """How many requests in a row are let through."""
    for count in range(most):
        try:
            buckets.take(key)
        except TooManyRequests:
            return count
    return most


def test_a_burst_passes_then_the_steady_rate(clock):
    buckets = Buckets(5, clock)
    assert taken(buckets) == 50
    for _ in range(3):
        clock.now += 1
        assert taken(buckets) == 5
    clock.now += 1000
    assert taken(buckets) == 50


def test_the_refusal_says_how_long_to_wait_and_then_it_is_enough(clock):
    buckets = Buckets(0.25, clock)
    assert taken(buckets) == 2
    with pytest.raises(TooManyRequests) as refused:
        buckets.take("k")
    assert refused.value.extra == {"retry_after": 2}  # half of one was left
    clock.now += 1
    assert taken(buckets) == 0
    clock.now += 1
    assert taken(buckets) == 1


def test_who_is_refused_and_asks_on_is_not_refused_longer_for_it(clock):
    buckets = Buckets(1, clock)
    assert taken(buckets) == 10
    for _ in range(100):
        assert taken(buckets) == 0
        clock.now += 0.001
    clock.now += 1
    assert taken(buckets) == 1


def test_keys_do_not_share(clock):
    buckets = Buckets(1, clock)
    assert taken(buckets, "a") == 10
    assert taken(buckets, "b") == 10


def test_no_limit(clock):
    assert taken(Buckets(0, clock)) == 1000


def test_memory_is_bounded_and_the_busy_are_remembered(clock, monkeypatch):
    monkeypatch.setattr(rates, "MOST_KEYS", 10)
    buckets = Buckets(1, clock)
    assert taken(buckets, "busy") == 10
    for other in range(100):
        buckets.take(other)
        assert taken(buckets, "busy") == 0
    assert len(buckets._filled) == 10


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_sender(address, network):
    assert network_of(address) == network


# --- over HTTP ----------------------------------------------------------------------------------


@pytest.fixture
def limited(settings):
    """``limited(strangers_per_second=1)``: a client of a service with these limits."""
    opened = []

    def make(**limits):
        rare = {"requests_per_second": 0, "strangers_per_second": 0, **limits}
        opened.append(TestClient(create_app(settings.model_copy(update=rare)), follow_redirects=False))
        return opened[-1].__enter__()

    yield make
    for client in opened:
        client.__exit__(None, None, None)


def bearer(secret, role="admin"):
    return {"Authorization": f"Bearer {secret(role)}"}


def statuses(client, count, method, path, **options):
    return [client.request(method, path, **options).status_code for _ in range(count)]


def test_a_token_that_asks_too_often(limited, secret):
    client, busy, other = limited(requests_per_second=0.5), bearer(secret), bearer(secret)
    assert statuses(client, 7, "GET", "/api/v1/me", headers=busy) == [200] * 5 + [429] * 2
    refused = client.post("/api/v1/tokens", headers=busy, json={"name": "a", "role": "viewer"})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:assay:problem:too-many-requests"
    assert client.get("/api/v1/me", headers=other).status_code == 200
    names = [token["name"] for token in client.get("/api/v1/tokens", headers=other).json()["items"]]
    assert "a" not in names


def test_predictions_have_a_limit_of_their_own_which_is_off(limited, secret):
    asked = ("POST", "/v2/models/none/infer")
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}
    client = limited(requests_per_second=0.1, predictions_per_second=0)
    assert statuses(client, 20, *asked, json=body, headers=bearer(secret)) == [404] * 20
    client = limited(requests_per_second=0, predictions_per_second=0.5)
    assert statuses(client, 7, *asked, json=body, headers=bearer(secret)) == [404] * 5 + [429] * 2


@pytest.mark.parametrize("headers", [{}, BAD, {"Authorization": "Bearer x"}, {"Cookie": "assay_session=x"}])
def test_an_address_that_is_not_let_in_too_often(limited, secret, headers):
    client = limited(strangers_per_second=0.5)
    assert statuses(client, 7, "GET", "/api/v1/me", headers=headers) == [401] * 5 + [429] * 2
    # Behind a proxy all share an address: who is known is let in all the same.
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 200
    assert client.get("/health/ready").status_code == 200


def test_sign_in_and_badges_are_counted_whatever_they_answer(limited):
    client = limited(strangers_per_second=0.5)
    assert statuses(client, 3, "POST", "/sign-in", data={"code": "x"}) == [401] * 3
    assert statuses(client, 1, "GET", "/sign-in") == [200]
    assert statuses(client, 3, "GET", "/badges/none.svg") == [404, 429, 429]
    refused = client.post("/sign-in", data={"code": "x"}, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert "<html" in refused.text


def test_messages_of_tools_are_counted_when_their_signature_is_wrong(limited):
    client = limited(strangers_per_second=0.5)
    assert statuses(client, 7, "POST", "/hooks/none", json={}) == [401] * 5 + [429] * 2


def test_by_default_ordinary_work_meets_no_limit(settings):
    defaults = type(settings)()
    assert defaults.requests_per_second * rates.BURST_SECONDS >= 1000
    assert defaults.strangers_per_second * rates.BURST_SECONDS >= 100
    assert defaults.predictions_per_second == 0
