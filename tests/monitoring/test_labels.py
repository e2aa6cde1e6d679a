"""Labels: late, in bulk, before their predictions, corrected; nothing is forgotten."""

from __future__ import annotations

import pytest

from app.monitoring import labels as service
from app.monitoring.predictions import store_rows
from tests.audits.conftest import plant
from tests.monitoring.conftest import rows

pytestmark = pytest.mark.both_databases

LABELS = "/api/v1/labels"
MODEL = "tumour-malignancy"
NONE = {"joined": 0, "parked": 0, "corrected": 0, "outdated": 0, "unchanged": 0, "forgotten": 0}


@pytest.fixture
def http(client, planted):
    return client("ci")


@pytest.fixture
def tell(http):
    """``tell(("p1", 1), ("p2", 0, "2026-01-01T00:00:00Z"))``: the counts that are not 0."""

    def post(*given):
        told = [dict(zip(("id", "label", "observed_at"), one, strict=False)) for one in given]
        answer = http.post(LABELS, json={"model": MODEL, "labels": told})
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == NONE.keys()
        return {name: count for name, count in answer.json().items() if count}

    return post


@pytest.fixture
def history(http):
    def read(prediction_id):
        found = http.get(f"{LABELS}/{MODEL}/{prediction_id}").json()
        return [(one["revision"], one["label"], one["current"]) for one in found["revisions"]]

    return read


def test_a_label_joins_its_prediction_or_is_parked(database, blobs, destination, tell, http):
    store_rows(database, blobs, destination(), rows(3))
    assert tell(("p000000", 1), ("p000001", 0), ("later", 1)) == {"joined": 2, "parked": 1}
    assert http.get(f"{LABELS}/{MODEL}/later").json()["predicted"] is False
    store_rows(database, blobs, destination(), rows(1, id="later"))
    found = http.get(f"{LABELS}/{MODEL}/later").json()
    assert (found["predicted"], found["revisions"][0]["label"], found["revisions"][0]["actor"]) == (
        True,
        1,
        "test-ci",
    )


def test_the_same_value_again_is_nothing_new(tell, history):
    tell(("p", 1))
    assert tell(("p", 1), ("p", 1.0), ("p", "1"), ("p", True)) == {"unchanged": 4}
    assert history("p") == [(1, 1, True)]


def test_of_conflicting_values_the_one_observed_last_is_current(tell, history):
    early, middle, late = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))
    tell(("p", 0, middle))
    assert tell(("p", 1, late)) == {"corrected": 1}
    assert history("p") == [(2, 1, True), (1, 0, False)]
    assert tell(("p", 0, early)) == {"outdated": 1}
    assert history("p") == [(3, 0, False), (2, 1, True), (1, 0, False)]
    assert tell(("p", 0, early), ("p", 0, middle)) == {"unchanged": 2}
    assert tell(("p", 0)) == {"corrected": 1}
    assert history("p")[0] == (4, 0, True)


def test_a_correction_in_the_same_request_counts_too(tell, history):
    assert tell(("p", 1), ("p", 0)) == {"parked": 1, "corrected": 1}
    assert history("p") == [(2, 0, True), (1, 1, False)]


def test_many_at_once(tell, history):
    assert tell(*((f"p{i}", i % 2) for i in range(12_000))) == {"parked": 12_000}
    assert tell(*((f"p{i}", i % 2) for i in range(12_001))) == {"unchanged": 12_000, "parked": 1}
    assert history("p11999") == [(1, 1, True)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([("a", 1), ("b", None)], "labels.1: is no class"),
        ([("a", 1), ("b", "yes")], "labels.1: is no class of this model"),
        ([("a", 1), ("b", 0), ("c", 2)], "labels.2: is a third class, beside 1 and another"),
        ([("a", [1])], "labels.0: is no class"),
        ([("", 1)], "labels.0: an id has 1 to 200 characters"),
        ([("x" * 201, 1)], "an id has 1 to 200 characters"),
        ([], "labels"),
    ],
)
def test_what_is_no_label_of_the_task_is_refused_whole(http, history, given, told):
    body = {"model": MODEL, "labels": [{"id": one, "label": label} for one, label in given]}
    answer = http.post(LABELS, json=body)
    assert answer.status_code == 422
    assert told in answer.text.replace("\\", "")
    assert history("a") == []


@pytest.mark.parametrize(
    ("task", "positive", "value", "kept"),
    [
        ("binary", "yes", "yes", "yes"),
        ("binary", "yes", "no", "no"),
        ("binary", True, "True", True),
        ("multiclass", None, "setosa", "setosa"),
        ("multiclass", None, 2.0, 2),
        ("regression", None, 3, 3.0),
        ("regression", None, "3", None),
        ("regression", None, float("inf"), None),
        ("regression", None, True, None),
        ("binary", 1, float("nan"), None),
    ],
)
def test_labels_are_written_as_the_task_writes_them(database, identity, task, positive, value, kept):
    with database.write() as session:
        model, version = plant(session, name=f"a-{task}")
        columns = {"columns": {"label": "y", "positive": positive}}
        version.manifest = version.manifest | {"model": {**version.manifest["model"], "task": task}} | columns
        session.add(version)
        session.flush()
        if kept is None:
            with pytest.raises(service.Invalid, match=r"labels\.0"):
                service.record(session, identity(), model.name, [service.Observed("p", value)])
        else:
            service.record(session, identity(), model.name, [service.Observed("p", value)])
            (label,) = service.queries.revisions_of(session, model.id, {"p"})
            assert label.value == kept
            assert isinstance(label.value, str | bool) == isinstance(kept, str | bool)


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("labels.csv", b"prediction_id,malignant,observed_at\np1,1,2026-01-02\np2,0,2026-01-03\n"),
        ("labels.jsonl", b'{"id": "p1", "label": 1}\n{"id": "p2", "label": 0}\n'),
    ],
)
def test_labels_as_a_file(http, history, filename, content):
    answer = http.post(f"{LABELS}/file", params={"model": MODEL, "filename": filename}, content=content)
    assert answer.json() == NONE | {"parked": 2}
    assert (history("p1"), history("p2")) == ([(1, 1, True)], [(1, 0, True)])


def test_a_file_is_taken_in_parts_and_refused_whole(http, history, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 2)
    where = {"model": MODEL, "filename": "labels.csv", "id_column": "key"}
    good = b"key,label\n" + b"".join(b"p%d,%d\n" % (i, i % 2) for i in range(5))
    answer = http.post(f"{LABELS}/file", params=where, content=good + b"p5,\n")
    assert answer.status_code == 422
    assert "labels.5: is no class" in answer.json()["detail"]
    assert history("p0") == []
    assert http.post(f"{LABELS}/file", params=where, content=good).json() == NONE | {"parked": 5}


def test_who_may_tell_and_of_what(client, http):
    given = {"model": MODEL, "labels": [{"id": "p", "label": 1}]}
    assert client("viewer").post(LABELS, json=given).status_code == 403
    assert http.post(LABELS, json=given | {"model": "tumour"}).status_code == 404
