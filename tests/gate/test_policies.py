"""Policies in the database."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.catalog.organisation import organisation_policy
from app.errors import Conflict
from app.gate import queries
from app.gate.policies import DEFAULTS, install_defaults, write_policy
from app.tables import AuditLog, Policy

pytestmark = pytest.mark.both_databases

POLICY = "assay_policy: 1\nname: production\nstages:\n  admit: {must_pass: [DATA-1]}\n"


def versions(database, name):
    with database.read() as session:
        return [row.version for row in session.exec(queries.policy_versions(name))]


def test_defaults_are_installed_once_and_never_over_somebodys_own(database):
    with database.write() as session:
        write_policy(session, "production", POLICY, "ada")
        install_defaults(session)
        install_defaults(session)
    assert [versions(database, name) for name in ("production", "staging", "organisation")] == [[1, 2], [1], [1]]
    with database.read() as session:
        assert queries.newest_policy(session, "production").text == POLICY


def test_every_shipped_file_is_installed_word_for_word(database):
    with database.read() as session:
        texts = {row.name: row.text for row in queries.newest_policies(session)}
    assert texts == {file.stem: file.read_text() for file in DEFAULTS.glob("*.yaml")}


def test_the_organisations_policy_is_read_from_its_newest_version(database):
    with database.write() as session:
        assert "*email*" in organisation_policy(session).banned_features
        text = "assay_policy: 1\nname: organisation\nbanned_features: [age]\n"
        write_policy(session, "organisation", text, "ada")
        assert organisation_policy(session).banned_features == ("age",)


def test_without_an_organisation_policy_there_is_none(database):
    with database.write() as session:
        for row in session.exec(select(Policy)):
            session.delete(row)
        session.flush()
        assert organisation_policy(session) is None


def test_who_wrote_a_policy_is_logged(database):
    with database.write() as session:
        row, _ = write_policy(session, "production", POLICY, "ada")
    with database.read() as session:
        logged = session.exec(select(AuditLog).where(AuditLog.actor == "ada")).one()
    assert (logged.action, logged.subject) == ("policy.write", "policy/production")
    assert logged.details["after"] == {"version": 2, "digest": row.digest}
    assert logged.details["before"]["version"] == 1
    assert logged.details["before"]["digest"] != row.digest


def test_two_who_write_the_same_version_cannot_both_succeed(database, monkeypatch):
    monkeypatch.setattr(queries, "newest_policy", lambda *_: None)  # what one saw before the other committed
    with pytest.raises(Conflict, match="version 1 of 'production'"), database.write() as session:
        write_policy(session, "production", POLICY, "ada")
    assert versions(database, "production") == [1]
