"""Who signed in, in our own words: a person for good, a session for today."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from app.access import service
from app.access.audit_log import record
from app.access.oidc.people import Known
from app.access.service import Holder
from app.access.teams import is_member
from app.tables import Person


def let_in(session: Session, issuer: str, known: Known, earlier: str, now: datetime) -> str:
    """Open a session, whose secret this gives, and end the one that the browser had (``earlier``: its secret)."""
    service.sign_out(session, earlier, now)
    person = _person(session, issuer, known, now)
    holder = Holder(person.name, known.role, bound=known.role != "admin" and is_member(session, person.name))
    _, secret = service.open_session(session, holder, service.SESSION_LIFE, f"person/{person.id}")
    return secret


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
