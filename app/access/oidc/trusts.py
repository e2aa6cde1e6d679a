"""Trusts: written by an administrator, and what they make of a pipeline's token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access import service, teams
from app.access.audit_log import record
from app.access.identity import Identity
from app.access.oidc.conditions import flaws, misfits
from app.access.oidc.issuers import Issuers
from app.access.oidc.verification import claims_of, shown, unverified_claims
from app.access.queries import revoke_opened_by
from app.access.service import Holder
from app.access.team_queries import find_team
from app.config import Settings
from app.db import utcnow
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotAuthenticated, NotFound, nearest
from app.tables import Trust

EXCHANGED_LIFE = timedelta(hours=1)
NOTED = ("sub", "jti", "run_id", "pipeline_id", "job_id", "sha", "actor", "user_login")
"""Claims that the audit log keeps, beside those that were asked for."""


class NoTrust(Forbidden):
    """No trust fits the claims of this token."""


def add(
    session: Session,
    settings: Settings,
    *,
    name: str,
    issuer: str,
    claims: dict[str, str],
    scopes: Collection[str] | None,
    in_teams: Sequence[str],
    actor: str,
) -> Trust:
    """Let in what shows a token of ``issuer`` with these claims; see ``conditions`` for their patterns.

    Args:
        scopes: a part of what the role ci carries; None for all of it.
        in_teams: it is bound to these from the start; none: the whole organisation's.

    Raises:
        Invalid: a field does not make sense, or would let in everybody.
        NotFound: no such team.
        Conflict: something else goes by that name.
    """
    holder = Holder(name, "ci", scopes)
    granted, wrong = holder.granted(), flaws(issuer, claims)
    if issuer not in settings.oidc_ci_issuers:
        known = settings.oidc_ci_issuers
        near = nearest(issuer, known)
        wrong.append(FieldError("issuer", f"{issuer!r} is not among ASSAY_OIDC_CI_ISSUERS{near}"))
    if wrong:
        raise Invalid("; ".join(f"{one.path}: {one.message}" for one in wrong), wrong)
    if session.exec(select(Trust).where(Trust.name == name)).first():
        raise Conflict(f"there is, or was, a trust {name!r}: the audit log must tell them apart")
    for team in in_teams:
        find_team(session, team)
    row = Trust(
        name=name, issuer=issuer, claims=claims, scopes=granted, bound=bool(in_teams), created_by=actor,
        created_at=utcnow(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    after = {"name": name, "issuer": issuer, "claims": claims, "scopes": granted, "teams": list(in_teams)}
    record(session, actor, "trust.add", f"trust/{row.id}", before=None, after=after)
    for team in in_teams:
        teams.add(session, team, name, "ci", actor)
    return row


def revoke(session: Session, trust_id: int, actor: str) -> None:
    """From now on it lets nothing in, and what it let in is out. Twice is fine. Raises ``NotFound``."""
    row = session.get(Trust, trust_id)
    if row is None:
        raise NotFound(f"There is no trust {trust_id}.")
    if row.revoked_at is None:
        row.revoked_at = utcnow()
        session.add(row)
        revoke_opened_by(session, f"trust/{row.id}", row.revoked_at)
        record(session, actor, "trust.revoke", f"trust/{row.id}", before={"name": row.name}, after=None)


def trusts() -> SelectOfScalar[Trust]:
    return select(Trust)


def shown_by(token: str, issuers: Issuers, settings: Settings) -> dict[str, Any]:
    """The claims of a pipeline's token. Asks its issuer, so no transaction is open.

    Raises:
        NotAuthenticated: it is not good, or for somebody else.
        Unavailable: its issuer does not answer.
    """
    named = unverified_claims(token).get("iss")
    if named not in settings.oidc_ci_issuers:
        raise NotAuthenticated(f"iss: {shown(named)} is not among the issuers that are trusted here.")
    audience = settings.public_url.rstrip("/")
    claims = claims_of(token, issuers[named], audience)
    if claims["aud"] not in (audience, [audience]):
        raise NotAuthenticated(f"aud: it is for others too ({shown(claims['aud'])}), who could send it here.")
    return claims


def exchange(session: Session, claims: dict[str, Any], scopes: Collection[str] | None) -> tuple[Identity, str]:
    """A token of ours for whoever these claims stand for: identity and secret.

    Raises:
        NoTrust: the detail names the claims that do not fit the nearest trust.
        Invalid: ``scopes`` holds one that the trust does not give.
    """
    query = select(Trust).where(Trust.issuer == claims["iss"], col(Trust.revoked_at).is_(None))
    found = [(misfits(row.claims, claims), row) for row in session.exec(query.order_by(col(Trust.id)))]
    fitting = next((row for wrong, row in found if not wrong), None)
    if fitting is None:
        nearest_by = min((wrong for wrong, _ in found), key=len, default=["iss: there is none for this issuer"])
        raise NoTrust(f"No trust fits this token: {', '.join(nearest_by)}.")
    granted = fitting.scopes if scopes is None else sorted(scopes)
    if extra := set(granted) - set(fitting.scopes):
        raise Invalid(f"scope: {', '.join(sorted(extra))} is not given", [FieldError("scope", "is not given")])
    bound = fitting.bound or teams.is_member(session, fitting.name)
    holder = Holder(fitting.name, "ci", granted, bound)
    noted = {one: claims[one] for one in dict.fromkeys((*fitting.claims, *NOTED)) if one in claims}
    return service.open_session(
        session, holder, EXCHANGED_LIFE, f"trust/{fitting.id}", kind="exchanged", claims=noted
    )
