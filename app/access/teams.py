"""Teams: made, joined, left; what one grants another; and what all that lets somebody do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlmodel import Session

from app.access import team_queries as queries
from app.access.audit_log import record
from app.access.identity import GRANTED, MEMBER, SCOPES, TEAM_ROLES, Identity, Reach, scopes_of
from app.access.team_schemas import GrantOut, MemberOut, TeamOut
from app.errors import Conflict, FieldError, Invalid, NotFound, nearest
from app.tables import Grant, Member, Model, Team

MAX_NAME = 100


@dataclass(frozen=True)
class Target:
    """What is granted: a model, or all that a team has."""

    model: str | None = None
    team: str | None = None

    def __str__(self) -> str:
        return f"model {self.model}" if self.model else f"team {self.team}"


def reach_of(session: Session, name: str, ceiling: frozenset[str]) -> Reach:
    """What the teams let somebody of that name do, of ``ceiling`` at most.

    A grant gives no more than its role, and nobody more than they have in the team that it was given to.
    """
    own = {one.team_id: (scopes_of(one.role) | GRANTED) & ceiling for one in queries.memberships(session, name)}
    teams = defaultdict[int, frozenset[str]](frozenset, own)
    models = defaultdict[int, frozenset[str]](frozenset)
    for grant in queries.grants_to(session, sorted(own)) if own else ():
        scopes = scopes_of(grant.role) & own[grant.team_id]
        if grant.model_id is not None:
            models[grant.model_id] |= scopes
        elif grant.of_team_id is not None:
            teams[grant.of_team_id] |= scopes
    return Reach(dict(teams), dict(models))


def lets(session: Session, name: str, scope: str, model_id: int | None) -> bool:
    """Whether the teams let somebody of that name do this to the model, as they are now."""
    reach = reach_of(session, name, SCOPES)
    model = session.get(Model, model_id) if model_id is not None else None
    return model is not None and (model.team_id in reach.teams_with(scope) or model.id in reach.models_with(scope))


def lets_in(session: Session, name: str, scope: str, team_id: int) -> bool:
    """The same of whatever the team has."""
    return team_id in reach_of(session, name, SCOPES).teams_with(scope)


def role_for(session: Session, identity: Identity, team_id: int | None) -> str:
    """In which role somebody acts on what that team has: a member in the one that they have in it, if any."""
    if identity.role != MEMBER:
        return identity.role
    own = {one.team_id: one.role for one in queries.memberships(session, identity.name)}
    return own.get(team_id, MEMBER) if team_id is not None else MEMBER


def create(session: Session, name: str, actor: str) -> Team:
    """A new team. It gets the models and pipelines that name it as their owner and belong to no team.

    Raises Invalid, Conflict.
    """
    if not (name.isprintable() and 0 < len(name.strip()) <= MAX_NAME) or "/" in name:
        raise _invalid("name", f"must be 1 to {MAX_NAME} printable characters, and no slash")
    if queries.team_named(session, name):
        raise Conflict(f"there is a team {name!r} already")
    team = Team(name=name, created_by=actor)
    session.add(team)
    session.flush()
    record(session, actor, "team.create", _subject(team), before=None, after={"owns": queries.adopt(session, team)})
    return team


def add(session: Session, team_name: str, name: str, role: str, actor: str) -> Member:
    """Make somebody a member, or give a member another role.

    What carries that name, sessions included, is bound to its teams from then on; administrators are not.
    Raises NotFound, Invalid.
    """
    team = queries.find_team(session, team_name)
    _require_role(role)
    if not (name.isprintable() and 0 < len(name.strip()) <= MAX_NAME):
        raise _invalid("name", f"must be 1 to {MAX_NAME} printable characters")
    known = session.get(Member, (team.id, name))
    before = {"role": known.role} if known else None
    member = known or Member(team_id=team.id, name=name, role=role, created_by=actor)
    member.role = role
    session.add(member)
    session.flush()
    after = {"role": role, "bound": queries.bind(session, name)}
    record(session, actor, "team.add", _subject(team), member=name, before=before, after=after)
    return member


def remove(session: Session, team_name: str, name: str, actor: str) -> None:
    """End a membership. What is bound to teams stays so: in no team it opens nothing. Raises NotFound."""
    team = queries.find_team(session, team_name)
    member = session.get(Member, (team.id, name))
    if member is None:
        known = [one.name for one in queries.members(session, team.id)]
        raise NotFound(f"{name!r} is not in the team {team.name}{nearest(name, known)}")
    session.delete(member)
    record(session, actor, "team.remove", _subject(team), member=name, before={"role": member.role}, after=None)


def grant(session: Session, team_name: str, target: Target, role: str, actor: str) -> Grant:
    """Let a team do what ``role`` may to a model, or to all that another team has. Raises NotFound, Invalid."""
    _require_role(role)
    team, model, other = _parties(session, team_name, target)
    known = queries.grant_on(session, team.id, model, other)
    before = {"role": known.role} if known else None
    row = known or Grant(team_id=team.id, model_id=model, of_team_id=other, role=role, created_by=actor)
    row.role = role
    session.add(row)
    session.flush()
    record(session, actor, "team.grant", _subject(team), on=str(target), before=before, after={"role": role})
    return row


def revoke(session: Session, team_name: str, target: Target, actor: str) -> None:
    """Take back a grant. Raises NotFound."""
    team, model, other = _parties(session, team_name, target)
    known = queries.grant_on(session, team.id, model, other)
    if known is None:
        raise NotFound(f"the team {team.name} was granted nothing on the {target}")
    session.delete(known)
    record(session, actor, "team.revoke", _subject(team), on=str(target), before={"role": known.role}, after=None)


def take(session: Session, team_name: str | None, kind: str, name: str, actor: str) -> None:
    """Give a model or a pipeline (``kind``) to a team, or to none. Raises NotFound."""
    team = queries.find_team(session, team_name) if team_name else None
    row = queries.owned(session, kind, name)
    before = session.get_one(Team, row.team_id).name if row.team_id else None
    if before == team_name:
        return
    row.team_id = team.id if team else None
    session.add(row)
    record(session, actor, f"{kind}.take", f"{kind}/{name}", before={"team": before}, after={"team": team_name})


def show(session: Session, name: str) -> TeamOut:
    """Raises NotFound."""
    return _out(session, queries.find_team(session, name))


def list_teams(session: Session, identity: Identity) -> list[TeamOut]:
    """All; or those in which whoever asks is."""
    own = {one.team_id for one in queries.memberships(session, identity.name)}
    return [_out(session, team) for team in queries.teams(session) if identity.reach is None or team.id in own]


def _out(session: Session, team: Team) -> TeamOut:
    granted = queries.grants_to(session, [team.id])
    models = queries.model_names(session, [one.model_id for one in granted if one.model_id])
    names = {one.id: one.name for one in queries.teams(session)}
    return TeamOut(
        **team.model_dump(),
        members=[MemberOut(**one.model_dump()) for one in queries.members(session, team.id)],
        grants=[
            GrantOut(**one.model_dump(), model=models.get(one.model_id or 0), team=names.get(one.of_team_id or 0))
            for one in granted
        ],
        models=queries.models_of(session, team.id),
        pipelines=queries.pipelines_of(session, team.id),
    )


def team_of(session: Session, name: str, identity: Identity, scope: str) -> Team:
    """The team of that name, where whoever asks may do this to what it has. Raises NotFound."""
    known = queries.teams(session)
    if identity.reach is not None:
        known = [one for one in known if one.id in identity.reach.teams_with(scope)]
    found = next((one for one in known if one.name == name), None)
    if found is None:
        raise NotFound(f"there is no team {name!r}{nearest(name, [one.name for one in known])}")
    return found


def team_for(session: Session, owner: str, reach: Reach | None) -> int | None:
    """The team that a new model or pipeline belongs to: the one that its manifest names as owner, else the only one
    where whoever registers it may. Raises Invalid where that is not told.
    """
    named = queries.team_named(session, owner)
    if reach is None:
        return named.id if named else None
    own = reach.teams_with("register")
    if named and named.id in own:
        return named.id
    if len(own) == 1:
        return own[0]
    names = ", ".join(team.name for team in queries.teams(session) if team.id in own)
    raise _invalid("owner", f"name the team that it belongs to: {names or 'none of yours may register'}")


def memberships(session: Session, name: str) -> list[dict[str, str]]:
    """Team and role, by team."""
    names = {team.id: team.name for team in queries.teams(session)}
    found = [{"team": names[one.team_id], "role": one.role} for one in queries.memberships(session, name)]
    return sorted(found, key=lambda one: one["team"])


def is_member(session: Session, name: str) -> bool:
    return bool(queries.memberships(session, name))


def _parties(session: Session, team_name: str, target: Target) -> tuple[Team, int | None, int | None]:
    if bool(target.model) == bool(target.team):
        raise _invalid("model", "name either a model or a team")
    team = queries.find_team(session, team_name)
    if target.model:
        return team, queries.owned(session, "model", target.model).id, None
    other = queries.find_team(session, str(target.team))
    if other.id == team.id:
        raise _invalid("team", "a team needs no grant on what is its own")
    return team, None, other.id


def _require_role(role: str) -> None:
    if role not in TEAM_ROLES:
        raise _invalid("role", f"must be one of {', '.join(TEAM_ROLES)}: an administrator is the organisation's")


def _subject(team: Team) -> str:
    return f"team/{team.name}"


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
