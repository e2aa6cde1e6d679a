"""Every route, asked by every role about its own team's things, another team's, and what that team was granted.

``table.py`` says what is expected. To see it fail, take a table out of ``RULES`` in ``app/access/view.py``.
"""

import hashlib
import re
import shutil
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlmodel import SQLModel

from app.db import Database
from app.gate.policies import install_defaults
from app.main import create_app
from app.migrate import upgrade

from .planting import FOREIGN, GRANTED, OWN, plant, token_of
from .requests import REQUESTS, path_of
from .table import LINES, ROLES, TABLE

pytestmark = pytest.mark.sqlite_only(reason="copies the database's file")

MEMBERS = [role for role in ROLES if role != "admin"]
CHANGING = [line for line in LINES if line.method not in {"GET", "HEAD"}]
LOOKING = [line for line in LINES if line.method in {"GET", "HEAD"}]
IN = {200, 201, 202, 204, 303, 400, 409, 422, 503}
"""Answers of whoever was let in to a thing: done, or refused for what it is."""
OPEN = {
    "outgoing_allowed_hosts": ["127.0.0.1"],
    "allowed_hosts": ["testserver"],
    "requests_per_second": 0,
    "strangers_per_second": 0,
}
NAMELESS = {"/api/v1/connections", "/connections", "/api/v1/policies", "/api/v1/datasets"}
"""Lists in which a member finds no name of their team: the organisation's, and what has only digests."""
NOTED = {"token", "watcher", "audit_log", "audit_head"}
"""Tables in which being asked leaves a trace; the audit log is looked at by itself."""


def keys(app):
    return {
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods
    }


@pytest.fixture(scope="module")
def planted(elsewhere, tmp_path_factory):
    """A service with three furnished teams, to be copied."""
    folder = tmp_path_factory.mktemp("teams")
    with elsewhere(folder / "data") as settings:
        upgrade(settings)
        database = Database(settings.sqlalchemy_url)
        with database.write() as session:
            install_defaults(session)
        (folder / "files").mkdir()
        served = settings.model_copy(update=OPEN)
        things = plant(create_app(served), database, folder / "files")
        database.dispose()
        yield served, things


@pytest.fixture
def world(planted, tmp_path):
    """A copy of it: ``ask(line, team, role)``."""
    settings, things = planted
    shutil.copytree(settings.data_dir, tmp_path / "copy")
    settings = settings.model_copy(update={"data_dir": tmp_path / "copy"})
    database = Database(settings.sqlalchemy_url)
    world = World(settings, database, things)
    with world.client:
        yield world
    database.dispose()


class World:
    def __init__(self, settings, database, things):
        self.settings, self.database, self.things = settings, database, things
        self.serve()
        self.secrets = {None: None}

    def serve(self, **changes):
        app = create_app(self.settings.model_copy(update=changes))
        self.client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)

    def secret(self, role):
        if role not in self.secrets:
            self.secrets[role] = token_of(self.database, role)
        return self.secrets[role]

    def ask(self, line, team, role, changes=None):
        things = self.things[team] | NAMED.get(f"{line.method} {line.path}", {}) | (changes or {})
        key = f"{line.method} {line.path}"
        given = REQUESTS.get(key, lambda _: {})(things)
        headers = given.pop("headers", {})
        if role is not None:
            headers = headers | {"Authorization": f"Bearer {self.secret(role)}"}
        return self.client.request(line.method, path_of(key, line.path, things), headers=headers, **given)

    def rows(self):
        """A digest of each table."""
        with self.database.engine.connect() as connection:
            return {
                table.name: hashlib.sha256(
                    "\n".join(sorted(map(repr, connection.execute(table.select())))).encode()
                ).hexdigest()
                for table in SQLModel.metadata.sorted_tables
                if table.name not in NOTED
            }


NAMED = {
    f"{method} /api/v1/connections/{{name}}{more}": {"name": "zeta-forge"}
    for method, more in (("GET", ""), ("GET", "/messages"), ("POST", "/rotate"), ("DELETE", ""))
} | {
    "POST /hooks/{name}": {"name": "zeta-forge"},
    "DELETE /api/v1/tokens/{token_id}": {"token_id": 1},
    "POST /api/v1/tokens/{token_id}/rotation": {"token_id": 1},
    "DELETE /api/v1/trusts/{trust_id}": {"trust_id": 1},
    "POST /account/tokens/{token_id}/revocation": {"token_id": 1},
}


def destructive(line):
    """In which order one's own things are asked for, so that nothing is gone before all was."""
    ends = any(word in line.path for word in ("retirement", "stop", "rollback", "/team"))
    return line in CHANGING, "infer" not in line.path, ends, line.method == "DELETE"


def wrong_of(answers, expected):
    """What was not answered as it should: by question, (status, the expected ones)."""
    return {
        question: (status, expected[question])
        for question, status in answers.items()
        if status not in expected[question]
    }


def test_every_route_has_one_line_and_every_line_a_route(app):
    lines = [(line.method, line.path) for line in LINES]
    assert sorted(lines) == sorted(set(lines))
    assert set(lines) == keys(app)
    assert {tuple(one.split(" ", 1)) for one in REQUESTS} <= set(lines)


def test_whoever_sends_no_token_gets_in_nowhere_else(world):
    answers = {line: world.ask(line, OWN, None).status_code for line in LINES}
    expected = {line: IN | {401, 404} if line.who == "anybody" else {401} for line in LINES}
    expected |= {line: {404} for line in LINES if line.path.startswith("/badges/")}  # of no team's models alone
    assert wrong_of(answers, expected) == {}


@pytest.mark.parametrize("role", MEMBERS)
def test_another_teams_things_are_not_there(world, role):
    """404 for whoever may do it at all, 403 for whoever may not; and nothing has changed."""
    answers, expected, changed = {}, {}, []
    world.secret(role)
    before = world.rows()
    for line in LINES:
        if line.what not in {"theirs", "hidden", "names"}:
            continue
        answers[line] = world.ask(line, FOREIGN, role).status_code
        expected[line] = {404 if line.what != "names" else 409} if role in line.roles else {403}
        if line.path == "/metrics":
            expected[line] = {403}
        if line in CHANGING and (now := world.rows()) != before:
            changed.append((line, [name for name in now if now[name] != before[name]]))
            before = now
    assert wrong_of(answers, expected) == {}
    assert changed == []
    assert world.rows() == before


@pytest.mark.parametrize("role", ROLES)
def test_ones_own_things_are(world, role):
    """The positive control: with the same requests everybody gets through to what is theirs."""
    answers, expected = {}, {}
    for line in sorted(LINES, key=destructive):
        answers[line] = world.ask(line, OWN, role).status_code
        let_in = IN | ({401, 404} if line.who == "anybody" else set())  # 404: no issuer is configured
        expected[line] = let_in if line.who == "anybody" or role in line.roles else {403}
        if line.what == "hidden" and role != "admin" and role in line.roles:
            expected[line] = {403, 404}
        if line.path.endswith(("{waiver_id}/approval", "{approval_id}/revocation", "/closure")):
            expected[line] |= {403}  # the policy names who may; whoever resolved an issue does not close it
        if "{trust_id}" in line.path or line.path.startswith("/account/tokens/"):
            expected[line] |= {404}  # there is no trust, and token 1 is nobody's of those who ask
    assert wrong_of(answers, expected) == {}


@pytest.mark.parametrize("role", MEMBERS)
def test_what_was_granted_to_viewers_is_read_and_not_changed(world, role):
    answers, expected = {}, {}
    for line in LINES:
        if line.what != "theirs":
            continue
        answers[line] = world.ask(line, GRANTED, role).status_code
        expected[line] = {403} if role not in line.roles else IN if line.reads else {404, 403}
    assert wrong_of(answers, expected) == {}


@pytest.mark.parametrize("role", MEMBERS)
def test_lists_hold_ones_own_and_nothing_of_others(world, role):
    leaks, silent = [], []
    for line in LOOKING:
        if role not in line.roles or line.what == "theirs":
            continue
        text = world.ask(line, OWN, role).text.replace("zeta-forge", "")
        leaks += [line for name in (FOREIGN,) if name in text]
        silent += [line] if line.what == "list" and OWN not in text else []
    assert leaks == []
    assert {line.path for line in silent} <= NAMELESS


def test_data_sets_are_those_of_ones_own_versions_and_of_what_was_granted(world):
    line = next(line for line in LINES if line.path == "/api/v1/datasets")
    counts = [len(world.ask(line, OWN, role).json()["items"]) for role in ("viewer", "admin")]
    assert counts == [4, 6]


def test_the_control_an_administrator_sees_all_of_them(world):
    for line in LOOKING:
        if line.what == "list" and line.path not in NAMELESS - {"/api/v1/connections", "/connections"}:
            assert FOREIGN in world.ask(line, OWN, "admin").text, line


@pytest.mark.parametrize("role", ["owner", "reviewer"])
def test_asking_for_another_teams_is_answered_like_asking_for_nothing_there_is(world, role):
    """By path, and by every filter of every list: word for word the same, so that nothing is learned."""
    nobody = {name: re.sub("zeta", "zero", str(value)) for name, value in world.things[FOREIGN].items()}
    nobody |= {name: 999_999 for name in nobody if name.endswith("_id")}
    nobody |= {"version": "1.0.0", "environment": "production", "number": 0, "test_id": "DATA-1"}
    different = []
    for line in LOOKING:
        if line.what != "theirs" or role not in line.roles:
            continue
        theirs, nothing = (world.ask(line, FOREIGN, role, changes) for changes in ({}, nobody))
        if told(theirs, world.things[FOREIGN]) != told(nothing, nobody):
            different.append((line.path, told(theirs, world.things[FOREIGN]), told(nothing, nobody)))
    assert different == []


def told(answer, things):
    text = re.sub(r'"request_id":"\w+"|\w{32}| \(did you mean [^)]*\)', "", answer.text)
    if answer.headers["content-type"].startswith("image/"):
        return answer.status_code, text
    for value in {str(things[name]) for name in ("model", "pipeline", "prediction_id")} | {
        str(value) for name, value in things.items() if name.endswith("_id")
    }:
        text = re.sub(rf"\b{re.escape(value)}\b", "THING", text)
    return answer.status_code, text


FILTERS = {"model": "model", "pipeline": "pipeline", "repository": "repository", "team": "team", "owner": "team"}


def test_no_filter_finds_what_is_not_there(world, app):
    asked = 0
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        line = next((one for one in LINES if (one.method, one.path) == ("GET", context.path)), None)
        if not isinstance(route, APIRoute) or line is None or line.what != "list" or "GET" not in context.methods:
            continue
        for name in FILTERS.keys() & {param.alias for param in route.dependant.query_params}:
            value = (world.things[FOREIGN] | {"repository": "zeta/repo"})[FILTERS[name]]
            given = {name: value}
            headers = {"Authorization": f"Bearer {token_of(world.database, 'owner', f'o{asked}')}"}
            theirs = world.client.get(context.path, params=given, headers=headers)
            nothing = world.client.get(context.path, params={name: value.replace("zeta", "zero")}, headers=headers)
            same = theirs.text.replace("zeta", "zero"), nothing.text.replace("zeta", "zero")
            told_of = [re.sub(r"\w{32}| \(did you mean [^)]*\)", "", text) for text in same]
            assert told_of[0] == told_of[1], (context.path, name)
            assert theirs.status_code == nothing.status_code
            asked += 1
    assert asked > 10


def test_with_organisation_reads_everything_is_read_and_nothing_more_changed(world):
    world.serve(organisation_reads=True)
    answers, expected = {}, {}
    for line in LINES:
        if line.what == "theirs":
            answers[line] = world.ask(line, FOREIGN, "owner").status_code
            expected[line] = {403} if "owner" not in line.roles else IN if line.reads else {404}
    assert wrong_of(answers, expected) == {}


def test_public_badges_are_of_no_teams_models(world):
    badge = next(line for line in LINES if line.path == "/badges/{model}.svg")
    assert world.ask(badge, FOREIGN, None).status_code == 404
    assert world.ask(badge, OWN, "viewer").status_code == 200


def test_the_table_is_readable():
    """Columns in their places, so that a reviewer sees what differs."""
    assert all(re.match(r"[A-Z]+ +/\S* +[a-z]+ +[a-z]+$", line) for line in TABLE.strip().splitlines())
    assert len({replace(line) for line in LINES}) == len(LINES)
