"""The form of a search: what is refused at the door, naming the place."""

import json

import pytest

from app.errors import Invalid
from app.evidence.kinds import KINDS

OWN = {"depth": 3, "layers": [64, 32], "kind": None}
GOOD = {
    "source": {"tool": "grid search", "name": "depths"},
    "metric": "roc_auc",
    "direction": "maximize",
    "parameters": [{"name": "depth", "low": 2, "high": 9, "least": 1}],
    "trials": [
        {
            "id": "1",
            "state": "complete",
            "value": 0.9,
            "parameters": {"depth": 3, "layers": [64, 32], "kind": None},
        },
        {"id": "2", "state": "failed", "parameters": {"depth": 4}},
    ],
    "chosen": {"depth": 3},
}


def parse(document):
    return KINDS["trials"].parse(json.dumps(document).encode())


def changed(path, value):
    document = json.loads(json.dumps(GOOD))
    *parts, last = path.split(".")
    place = document
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    return document


def test_values_keep_their_types():
    read = parse(GOOD)
    assert read.trials[0].parameters == OWN
    assert type(read.trials[0].parameters["depth"]) is int
    assert parse(json.loads(read.written())) == read


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "direction",
            "maximise",
            "direction: 'maximise' is not one of maximize, minimize (did you mean \"maximize\"?)",
        ),
        ("trails", [], 'trails: unknown key (did you mean "trials"?)'),
        ("trials.0.value", None, "trials.0: a complete trial has a value"),
        ("trials.0.value", float("nan"), "trials.0.value: input should be a finite number"),
        ("trials.0.value", float("inf"), "trials.0.value"),
        ("trials.0.parameters", {"depth": float("nan")}, "trials.0.parameters.depth"),
        ("trials.0.parameters", {"depth": {"a": 1}}, "trials.0.parameters.depth"),
        ("trials.1.id", "1", "the trial '1' is there twice"),
        ("trials.1.state", "done", "trials.1.state"),
        ("parameters.0.low", 10, "parameters.0: low 10 is above high 9"),
        ("parameters", [{"name": "a"}, {"name": "a"}], "the parameter 'a' is there twice"),
        ("source.tool", " ", "source.tool"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(path, value, words):
    with pytest.raises(Invalid, match="This is not a list of trials: ") as refused:
        parse(changed(path, value))
    assert words in refused.value.detail


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_such_document_is_refused(content):
    with pytest.raises(Invalid, match="This is not a list of trials: "):
        KINDS["trials"].parse(content)
