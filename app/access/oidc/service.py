"""Who signed in, in our own words: a person for good, a session for today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from app.access import service, teams
from app.access.audit_log import record
from app.access.oidc.people import Known
from app.access.service import Holder
from app.access.team_queries import memberships, team_named
from app.tables import Person, Team

BY_GROUP = "oidc"
"""Who makes people members whose groups say so."""


def let_in(session: Session, issuer: str, known: Known, earlier: str, now: datetime) -> str:
    """Open a session, whose secret this gives, and end the one that the browser had (``earlier``: its secret)."""
    service.sign_out(session, earlier, now)
    person = _person(session, issuer, known, now)
    _keep_up_teams(session, person.name, known.teams)
    holder = Holder(person.name, known.role, bound=known.role != "admin" and teams.is_member(session, person.name))
    _, secret = service.open_session(session, holder, service.SESSION_LIFE, f"person/{person.id}")
    return secret


def _keep_up_teams(session: Session, name: str, wanted: Mapping[str, str]) -> None:
    """Join and leave teams as the groups say; what an administrator did by hand stays. Not made yet: not joined."""
    theirs = {session.get_one(Team, one.team_id).name: one for one in memberships(session, name)}
    for team, member in theirs.items():
        if member.created_by == BY_GROUP and team not in wanted:
            teams.remove(session, team, name, BY_GROUP)
    for team, role in wanted.items():
        known = theirs.get(team)
        if team_named(session, team) and (known is None or (known.created_by == BY_GROUP and known.role != role)):
            teams.add(session, team, name, role, BY_GROUP)


def _person(session: Session, issuer: str, known: Known, now: datetime) -> Person:
    """The one whom the issuer means by that subject, however they are called there by now."""
    query = select(Person).where(Person.issuer == issuer, Person.subject == known.subject)
    person = session.exec(query).one_or_none()
    if person is None:
        person = Person(issuer=issuer, subject=known.subject, name=f"{issuer} {known.subject}", created_at=now)
        session.add(person)
        session.flush()
        person.name = f"{known.called} (person {person.id})"
        claims = {"iss": issuer, "sub": known.subject}
        record(session, person.name, "person.register", f"person/{person.id}", **claims)
    return person
