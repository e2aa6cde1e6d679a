"""Whom a prediction is about, told to the gateway: in the log, not shown to the model, forgotten with it."""

from __future__ import annotations

import pytest

from app.access.identity import Identity
from app.monitoring.personal import segments
from app.monitoring.personal.forgetting import Whom, forget
from tests.gateway.conftest import house  # noqa: F401 - a fixture
from tests.gateway.test_protocol import body, stored

URL = "/v2/models/credit-default/infer"


@pytest.fixture(scope="module")
def served(house):  # noqa: F811
    house.plant("credit-default", "1.0.0", columns__person="customer")
    house.put("credit-default", "1.0.0")
    house.plant("nobody", "1.0.0")
    house.put("nobody", "1.0.0")
    return house


def test_persons_are_logged_and_forgotten(served):
    asked = body([14.0, 9.0], [20.0, 30.0], parameters={"ids": ["a", "b"], "persons": ["C-1", "C-2"]})
    answer = served.caller.post(URL, json=asked)
    assert answer.status_code == 200, answer.text
    assert {row["assay.id"]: row["customer"] for row in stored(served)} == {"a": "C-1", "b": "C-2"}
    with served.database.write() as session:
        whom = Whom(person="C-1")
        assert (
            forget(session, Identity("dpo", "admin", frozenset()), "credit-default", whom, "asked").predictions == 1
        )
    assert segments.finish(served.database, served.blobs, served.settings) == 0
    assert [row["assay.id"] for row in stored(served)] == ["b"]


def test_what_is_in_the_spool_when_somebody_is_forgotten_is_not_stored(served):
    one = body([14.0], [20.0], id="late", parameters={"persons": ["C-3"]})
    assert served.caller.post(URL, json=one).status_code == 200
    with served.database.write() as session:
        forget(session, Identity("dpo", "admin", frozenset()), "credit-default", Whom(person="C-3"), "asked")
    served.gateway.keeper.flush()
    segments.finish(served.database, served.blobs, served.settings)
    assert stored(served, "late") == []


@pytest.mark.parametrize(
    ("model", "persons", "told"),
    [("nobody", ["C-1"], "columns.person names no column"), ("credit-default", ["a", "b"], "2 persons for 1 rows")],
)
def test_persons_that_cannot_be_kept_are_refused(served, model, persons, told):
    answer = served.caller.post(f"/v2/models/{model}/infer", json=body(parameters={"persons": persons}))
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
