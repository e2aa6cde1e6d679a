"""Teams over HTTP. An administrator changes them; members see their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.access import teams
from app.access.team_schemas import GrantIn, MemberIn, OwnershipIn, TeamIn, TeamOut
from app.access.teams import Target
from app.deps import CanAdmin, CanRead, ReadSession, WriteSession
from app.http.problems import problems

router = APIRouter(tags=["access"])

Named = Annotated[str, Query(max_length=100)]
MaybeNamed = Annotated[str | None, Query(max_length=100)]


@router.post("/teams", status_code=201, summary="Make a team", responses=problems(409, 422))
def make_team(given: TeamIn, session: WriteSession, identity: CanAdmin) -> TeamOut:
    """It gets the models and pipelines that name it as their owner and belong to no team."""
    teams.create(session, given.name, identity.name)
    return teams.show(session, given.name)


@router.get("/teams", summary="Teams by name, with their members, what they have and what they were granted")
def list_teams(session: ReadSession, identity: CanRead) -> list[TeamOut]:
    """Whoever is bound to teams sees those in which they are."""
    return teams.list_teams(session, identity)


@router.put("/teams/{team}/members", summary="Make somebody a member, in a role", responses=problems(404, 422))
def add_member(team: str, given: MemberIn, session: WriteSession, identity: CanAdmin) -> TeamOut:
    """What carries that name, a token or a session that is open, is bound to its teams from then on."""
    teams.add(session, team, given.name, given.role, identity.name)
    return teams.show(session, team)


@router.delete("/teams/{team}/members", summary="End a membership", responses=problems(404))
def remove_member(team: str, name: Named, session: WriteSession, identity: CanAdmin) -> TeamOut:
    """Whoever is in no team any more sees nothing, until they are in another."""
    teams.remove(session, team, name, identity.name)
    return teams.show(session, team)


@router.put("/teams/{team}/grants", summary="Let a team at a model, or at another team's", responses=problems(404))
def grant(team: str, given: GrantIn, session: WriteSession, identity: CanAdmin) -> TeamOut:
    """A member gets no more by it than what their own role in the team carries."""
    teams.grant(session, team, Target(given.model, given.team), given.role, identity.name)
    return teams.show(session, team)


@router.delete("/teams/{team}/grants", summary="Take a grant back", responses=problems(404))
def revoke(
    team: str,
    session: WriteSession,
    identity: CanAdmin,
    model: MaybeNamed = None,
    of_team: MaybeNamed = None,
) -> TeamOut:
    teams.revoke(session, team, Target(model, of_team), identity.name)
    return teams.show(session, team)


@router.put("/models/{model}/team", status_code=204, summary="Give a model to a team", responses=problems(404))
def take_model(model: str, given: OwnershipIn, session: WriteSession, identity: CanAdmin) -> None:
    teams.take(session, given.team, "model", model, identity.name)


@router.put(
    "/pipelines/{pipeline}/team", status_code=204, summary="Give a pipeline to a team", responses=problems(404)
)
def take_pipeline(pipeline: str, given: OwnershipIn, session: WriteSession, identity: CanAdmin) -> None:
    teams.take(session, given.team, "pipeline", pipeline, identity.name)
