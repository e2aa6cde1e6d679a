"""The same request under the same key is carried out once; another request under it is refused."""

import contextlib

import pytest
from pydantic import BaseModel

from app.access.idempotency import once, remember
from app.access.identity import ROLE_SCOPES, Identity
from app.errors import Invalid

pytestmark = pytest.mark.both_databases

ADA = Identity("ada", "ci", ROLE_SCOPES["ci"])
BOB = Identity("bob", "ci", ROLE_SCOPES["ci"])


class Order(BaseModel):
    a: int
    b: dict[str, int] = {}


class OtherOrder(Order):
    pass


def test_the_same_request_gives_what_it_created(database):
    with database.write() as session:
        assert once(session, ADA, "k", Order(a=1)) is None
        remember(session, ADA, "k", Order(a=1), 17)
    with database.write() as session:
        assert once(session, ADA, "k", Order(a=1)) == 17


@pytest.mark.parametrize("other", [Order(a=2), Order(a=1, b={"x": 1}), OtherOrder(a=1), {"a": 1, "b": {}}])
def test_another_request_is_refused(database, other):
    with database.write() as session:
        remember(session, ADA, "k", Order(a=1), 17)
    with database.write() as session, pytest.raises(Invalid, match="used before"):
        once(session, ADA, "k", other)


def test_keys_belong_to_whoever_sends_them(database):
    with database.write() as session:
        remember(session, ADA, "k", Order(a=1), 17)
    with database.write() as session:
        assert once(session, BOB, "k", Order(a=2)) is None
        assert once(session, ADA, "other", Order(a=2)) is None


def test_the_order_of_members_does_not_matter(database):
    with database.write() as session:
        remember(session, ADA, "k", {"a": 1, "b": {"x": 1, "y": 2}}, 17)
        assert once(session, ADA, "k", {"b": {"y": 2, "x": 1}, "a": 1}) == 17


def test_without_a_key_nothing_is_kept(database):
    with database.write() as session:
        remember(session, ADA, None, Order(a=1), 17)
        assert once(session, ADA, None, Order(a=1)) is None


def test_what_is_rolled_back_is_not_remembered(database):
    with contextlib.suppress(RuntimeError), database.write() as session:
        remember(session, ADA, "k", Order(a=1), 17)
        raise RuntimeError
    with database.write() as session:
        assert once(session, ADA, "k", Order(a=1)) is None


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "a\tb"])
def test_keys_that_make_no_sense(client, key):
    answer = client("admin").post(
        "/api/v1/tokens", json={"name": "a", "role": "ci"}, headers={"Idempotency-Key": key}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "header.Idempotency-Key"
