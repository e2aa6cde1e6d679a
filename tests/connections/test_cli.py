"""``assay connection`` against a real server."""

import httpx2
import pytest

from app.cli import run
from tests.connections.messages import REPOSITORY, example, github
from tests.evidence.collecting.conftest import server

__all__ = ["server"]

pytestmark = pytest.mark.slow


@pytest.fixture
def assay(server, secret, monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_URL", server.url)
    monkeypatch.setenv("ASSAY_TOKEN", secret("admin"))

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_a_connection_from_its_first_message_to_its_last(assay, server):
    code, key, where = assay("connection", "add", "forge", "--kind", "github", "--repository", REPOSITORY)
    assert (code, where) == (0, f"github sends to {server.url}/hooks/forge, with this secret:\n")
    key = key.strip()

    def send(body, signed_with=key):
        headers, content = github(signed_with, "push", body)
        return httpx2.post(f"{server.url}/hooks/forge", headers=headers, content=content).status_code

    assert send(example("push")) == 200
    assert send(example("push", repository__full_name="bank/other")) == 422
    _, shown, _ = assay("connection", "show", "forge")
    assert "github sends to" in shown
    assert "1 refused, 1 set_aside" in shown
    assert "no repository is registered as 'bank/credit'" in shown
    assert (
        "does not speak about the repository 'bank/other'"
        in assay("connection", "show", "forge", "--status", "refused")[1]
    )
    code, other, _ = assay("connection", "rotate", "forge", "--overlap-hours", "0")
    assert (code, send(example("push")), send(example("push"), other.strip())) == (0, 401, 200)
    assert "bank/credit" in assay("connection", "list")[1]
    assert assay("connection", "remove", "forge")[0] == 0
    assert send(example("push"), other.strip()) == 401
    assert "removed by test-admin" in assay("connection", "list")[1]
    code, _, said = assay("connection", "show", "forge")
    assert (code, "There is no connection 'forge'" in said) == (1, True)


def test_models_are_named_as_they_are_there_and_here(assay):
    assert (
        assay(
            "connection", "add", "registry", "--kind", "mlflow", "--model", "credit=credit-default", "--model", "x"
        )[0]
        == 0
    )
    assert "credit=credit-default, x" in assay("connection", "list")[1]
    assert assay("connection", "add", "other", "--kind", "mlflow")[0] == 1
