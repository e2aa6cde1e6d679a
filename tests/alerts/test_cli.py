"""`assay alerts` and `assay dependencies`, against the whole application."""

import pytest

from app.cli import alerts, run
from app.client import Assay
from tests.audits.conftest import plant


@pytest.fixture
def assay(client, monkeypatch, capsys):
    """``assay("alerts list")``: (exit code, what it printed)."""
    http = client("owner")
    http.base_url = "http://testserver/api/v1/"

    def connected():
        connection = Assay()
        connection._http = http
        return connection

    monkeypatch.setattr(alerts, "Assay", connected)

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_from_subscribing_to_acknowledging(assay, tell):
    code, said = assay(
        "alerts", "subscribe", "ops", "--webhook", "https://93.184.215.14/x", "--severity", "warning"
    )
    assert code == 0
    assert "whsec_" in said
    assert "93.184.215.14" in assay("alerts", "subscriptions")[1]
    alert_id = tell(severity="critical")
    shown = assay("alerts", "list")[1]
    assert "It failed" in shown
    assert "0 of 1" in shown
    assert "test-owner" in assay("alerts", "acknowledge", str(alert_id), "--note", "mended")[1]
    assert "It failed" not in assay("alerts", "list")[1]
    assert "It failed" in assay("alerts", "list", "--all")[1]
    assert assay("alerts", "test", "1")[0] == 0
    assert "pending" in assay("alerts", "deliveries")[1]
    assert assay("alerts", "unsubscribe", "1")[0] == 0
    assert "dead" in assay("alerts", "deliveries", "--status", "dead")[1]
    assert assay("alerts", "retry", "1")[0] == 1
    assert "ended by test-owner" in assay("alerts", "subscriptions")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--webhook", "https://127.0.0.1/"], 1, "not a public address"),
        (["--webhook", "https://a.example", "--email", "a@b.example"], 64, "give one of"),
        ([], 64, "give one of"),
        (["--slack", "https://93.184.215.14/", "--event", "verdict.change"], 1, 'did you mean "verdict.changed"?'),
    ],
)
def test_what_is_wrong_is_said(assay, arguments, code, says):
    answer = assay("alerts", "subscribe", "ops", *arguments)
    assert answer[0] == code
    assert says in answer[1]


def test_dependencies_are_hashed_here(assay, database, tmp_path):
    with database.write() as session:
        plant(session, "credit-default")
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / "train.csv").write_text("x\n1\n")
    lock, data = str(tmp_path / "requirements.txt"), str(tmp_path / "train.csv")
    where = ["--model", "credit-default", "--environment", "production"]
    push = ["dependencies", "push", *where, "--lock-file", lock, "--data", data, "--source", "bureau-api=v1"]
    assert "3 added, 0 changed, 0 unchanged" in assay(*push)[1]
    assert "0 added, 0 changed, 3 unchanged" in assay(*push)[1]
    (tmp_path / "requirements.txt").write_text("a==2\n")
    changed = assay(*push)[1]
    assert "changed: requirements.txt: sha256:" in changed
    assert "0 added, 1 changed, 2 unchanged" in changed
    assert "first seen" in assay("dependencies", "list", "--model", "credit-default")[1]
    assert assay("dependencies", "push", *where)[0] == 64
    assert assay("dependencies", "push", *where, "--source", "x")[0] == 64
