"""`assay team` against the whole application, and `assay token` where the service runs."""

import re

import pytest
from sqlmodel import select

from app.access import service
from app.cli import run, teams
from app.client import Assay
from app.db import utcnow
from app.errors import NotAuthenticated
from app.tables import Token
from tests.scorecards import stored

pytestmark = pytest.mark.both_databases


@pytest.fixture
def assay(client, settings, monkeypatch, capsys):
    """``assay("team", "list")``: (exit code, what it printed, what it said beside)."""
    http = client("admin")
    http.base_url = "http://testserver/api/v1/"

    def connected():
        connection = Assay()
        connection._http = http
        return connection

    monkeypatch.setattr(teams, "Assay", connected)
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))
    if settings.database_url:
        monkeypatch.setenv("ASSAY_DATABASE_URL", settings.database_url)

    def call(*arguments):
        code = run(list(arguments))
        return code, *(
            re.sub(r"^\{.*\n", "", text, flags=re.MULTILINE) for text in capsys.readouterr()
        )  # the service's log

    return call


@pytest.fixture
def models(database):
    with database.write() as session:
        stored.model(session, "credit", owner="risk")
        stored.model(session, "churn", owner="somebody else")


def models_of(client, secret):
    answer = client(None).get("/api/v1/models", headers={"Authorization": f"Bearer {secret}"})
    return {one["name"] for one in answer.json()["items"]}


def test_from_a_team_to_what_its_token_finds(assay, client, models):
    assert assay("team", "create", "risk") == (0, "team risk has credit\n", "")
    code, printed, _ = assay("token", "create", "--name", "robot", "--role", "viewer", "--team", "risk")
    secret = printed.strip()
    assert (code, models_of(client, secret)) == (0, {"credit"})
    assert assay("team", "create", "sales")[1] == "team sales has nothing yet\n"
    assert assay("team", "give", "sales", "--model", "churn")[1] == "churn belongs to sales\n"
    assert models_of(client, secret) == {"credit"}
    assert "may do what a viewer may with churn" in assay("team", "grant", "risk", "--model", "churn")[1]
    assert models_of(client, secret) == {"credit", "churn"}
    listed = assay("team", "list")[1]
    assert re.search(r"risk +robot \(viewer\) +credit +viewer of churn", listed)
    assert "no grant on churn any more" in assay("team", "revoke", "risk", "--model", "churn")[1]
    assert models_of(client, secret) == {"credit"}
    assert assay("team", "grant", "risk", "--team", "sales", "--role", "ci")[0] == 0
    assert models_of(client, secret) == {"credit", "churn"}
    assert assay("team", "revoke", "risk", "--team", "sales")[0] == 0
    assert assay("team", "give", "-", "--model", "credit")[1] == "credit belongs to no team\n"
    assert models_of(client, secret) == set()
    assert assay("team", "add", "sales", "robot", "--role", "owner")[0] == 0
    assert models_of(client, secret) == {"churn"}
    assert assay("team", "remove", "sales", "robot")[0] == 0
    assert models_of(client, secret) == set()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("create", "a/b"), 1, "no slash"),
        (("add", "rsk", "ada", "--role", "viewer"), 1, 'did you mean "risk"?'),
        (("add", "risk", "ada", "--role", "admin"), 1, "role: "),
        (("remove", "risk", "ada"), 1, "not in the team risk"),
        (("grant", "risk"), 1, "either a model or a team"),
        (("grant", "risk", "--team", "risk"), 1, "its own"),
        (("revoke", "risk", "--model", "churn"), 1, "granted nothing"),
        (("give", "risk"), 64, "either --model or --pipeline"),
        (("give", "risk", "--model", "chur"), 1, 'did you mean "churn"?'),
    ],
)
def test_what_is_wrong_with_a_team_is_said(assay, models, arguments, code, says):
    assay("team", "create", "risk")
    answer = assay("team", *arguments)
    assert (answer[0], says in answer[2]) == (code, True), answer


def who(database, secret):
    with database.read() as session:
        return service.authenticate(session, secret, utcnow()).name


def test_a_token_is_rotated_by_name_and_its_new_secret_alone_is_printed(assay, database):
    old = assay("token", "create", "--name", "robot", "--role", "ci", "--scope", "read", "--days", "3")[1].strip()
    assert re.search(r"robot +ci +all +ends_soon", assay("token", "list")[1])
    assert "robot ends in 2 days: assay token rotate robot" in assay("token", "list")[2]
    code, printed, beside = assay("token", "rotate", "robot", "--overlap", "30m", "--days", "20")
    new = printed.strip()
    assert (code, who(database, old), who(database, new)) == (0, "robot", "robot")
    assert "holds until" in beside
    assert new not in beside
    states = [line.split()[4] for line in assay("token", "list")[1].splitlines() if " robot " in line]
    assert states == ["replaced", "active"]
    assert assay("token", "rotate", "robot", "--overlap", "0h")[0] == 0
    with pytest.raises(NotAuthenticated):
        who(database, new)
    assert who(database, old) == "robot"  # its half hour is not over
    with database.read() as session:
        last = session.exec(select(Token).where(Token.name == "robot").order_by(Token.id.desc())).first()
    assert last.scopes == ["read"]
    assert assay("token", "revoke", str(last.id))[0] == 0
    assert assay("token", "rotate", "robot")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("rotate", "nobody"), 1, "no token named 'nobody' holds"),
        (("rotate", "robot"), 1, "give the id of one"),
        (("rotate", "1", "--overlap", "soon"), 64, "no span of time"),
        (("rotate", "1", "--overlap", "8d"), 1, "at most 168 hours"),
        (("rotate", "1", "--days", "9999"), 1, "must be between 1 and"),
        (("create", "--name", "x", "--role", "king"), 1, "no such role"),
        (("create", "--name", "x", "--role", "ci", "--team", "none"), 1, "no team 'none'"),
        (("revoke", "999"), 1, "no token 999"),
    ],
)
def test_what_is_wrong_with_a_token_is_said_and_nothing_is_printed(assay, database, arguments, code, says):
    for _ in range(2):
        assay("token", "create", "--name", "robot", "--role", "ci")
    answer = assay("token", *arguments)
    assert (answer[0], answer[1], says in answer[2]) == (code, "", True), answer
