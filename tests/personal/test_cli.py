"""`assay predictions show|forget`, against the whole application."""

from __future__ import annotations

import json

import pytest

from app.cli import run, traffic
from app.client import Assay
from tests.personal.test_rows import MODEL, PERSON, person_of, pushed  # noqa: F401 - fixtures


@pytest.fixture
def assay(person_of, monkeypatch, capsys):  # noqa: F811
    """``assay("predictions", "show", ...)``: (exit code, what it printed)."""
    http = person_of("viewer", "rows:read", "rows:forget")
    http.base_url = "http://testserver/api/v1/"

    def connected():
        connection = Assay()
        connection._http = http
        return connection

    monkeypatch.setattr(traffic, "Assay", connected)

    def call(*arguments):
        code = run(["predictions", *arguments, "--model", MODEL])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def printed(said: str) -> dict:
    """The answer, after the lines that the application itself logs here."""
    return json.loads(said[said.index("{\n") :])


@pytest.mark.usefixtures("pushed")
def test_shown_masked_then_for_a_reason_then_forgotten(assay):
    code, said = assay("show", "p00001")
    assert code == 0
    assert PERSON not in said
    code, said = assay("show", "--person", PERSON, "--reason", "complaint 17")
    assert code == 0
    assert [row["values"]["assay.id"] for row in printed(said)["rows"]] == ["p00001", "p00003"]
    code, said = assay("forget", "--person", PERSON, "--reason", "request 2026-118")
    assert code == 0
    assert "2 predictions and 0 labels deleted" in said
    assert printed(assay("show", "p00001")[1])["rows"] == []


@pytest.mark.usefixtures("pushed")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show",), "give the id of a prediction, or --person"),
        (("show", "--person", PERSON), "--person needs --reason"),
        (("forget", "--reason", "why"), "give --person, or --prediction"),
        (("forget", "--person", PERSON, "--reason", f"{PERSON} asked"), "must not name the id"),
    ],
)
def test_what_is_not_said_is_asked_for(assay, arguments, told):
    code, said = assay(*arguments)
    assert code != 0
    assert told in said
