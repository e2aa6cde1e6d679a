"""`assay accept`, by two people against the whole application."""

import pytest

from app.cli import acceptances, run
from app.client import Assay
from tests.catalog.releases import predictions_only, register


@pytest.fixture
def assay(client, monkeypatch, capsys, tmp_path):
    """``assay("owner", "list", ...)``: (exit code, what was printed) for somebody of that role."""
    assert register(client("ci"), *predictions_only(tmp_path)).status_code == 201
    people = {role: client(role) for role in ("owner", "reviewer")}

    def call(role, *arguments):
        people[role].base_url = "http://testserver/api/v1/"
        connection = Assay()
        connection._http = people[role]
        monkeypatch.setattr(acceptances, "Assay", lambda: connection)
        code = run(["accept", *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_from_asking_to_revoking(assay):
    asked = ("tumour-malignancy", "DATA-2", "--subject", "mean texture", "--reason", "It goes.", "--days", "90")
    assert "assay accept agree 1" in assay("owner", "request", *asked)[1]
    code, said = assay("owner", "agree", "1")
    assert (code, "accept" in said) == (1, True)
    assert "acceptance DATA-2 mean texture) holds until" in assay("reviewer", "agree", "1")[1]
    shown = assay("owner", "list", "tumour-malignancy")[1]
    assert "agreed" in shown
    assert "It goes." in shown
    revoke = ("owner", "revoke", "1", "--reason", "It went.")
    assert "is revoked" in assay(*revoke)[1]
    assert assay(*revoke)[0] == 1


def test_a_whole_test_is_waived(assay):
    asked = ("tumour-malignancy", "MODEL-7", "--not-applicable", "--reason", "Tissue.")
    assert assay("owner", "request", *asked)[0] == 0
    assert "(not applicable MODEL-7) holds until" in assay("reviewer", "agree", "1")[1]
