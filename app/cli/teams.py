"""``assay team``: who is in which team, what it has, and what one may do to another's."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import print_table
from app.client import Assay

team_commands = typer.Typer(help="Teams, their members, and what one may do to another's.", no_args_is_help=True)

Model = Annotated[str | None, typer.Option(help="One model.")]
OfTeam = Annotated[str | None, typer.Option("--team", help="All that another team has.")]
Role = Annotated[str, typer.Option(help="viewer, client, ci, reviewer or owner.")]


@team_commands.command("create")
def create(name: str) -> None:
    """Make a team; it gets what names it as its owner and belongs to no team yet."""
    made = Assay().create_team(name)
    typer.echo(f"team {made['name']} has {', '.join([*made['models'], *made['pipelines']]) or 'nothing yet'}")


@team_commands.command("list")
def list_teams() -> None:
    """Teams with their members, what they have, and what they were granted."""
    rows = []
    for team in Assay().teams():
        members = ", ".join(f"{one['name']} ({one['role']})" for one in team["members"])
        granted = ", ".join(f"{one['role']} of {one['model'] or 'all of ' + one['team']}" for one in team["grants"])
        rows.append((team["name"], members, ", ".join([*team["models"], *team["pipelines"]]), granted))
    print_table("", ("TEAM", "MEMBERS", "HAS", "GRANTED"), rows)


@team_commands.command("add")
def add(team: str, name: Annotated[str, typer.Argument(help="Of a person or a token.")], role: Role) -> None:
    """Make a person or a token a member, or give a member another role."""
    Assay().add_member(team, name, role)
    typer.echo(f"{name} is {role} in {team}, and bound to teams from now on")


@team_commands.command("remove")
def remove(team: str, name: str) -> None:
    """End a membership."""
    Assay().remove_member(team, name)
    typer.echo(f"{name} is not in {team} any more")


@team_commands.command("grant")
def grant(team: str, model: Model = None, of_team: OfTeam = None, role: Role = "viewer") -> None:
    """Let a team at a model, or at all that another team has."""
    Assay().grant(team, role, model=model, of_team=of_team)
    typer.echo(f"{team} may do what a {role} may with {model or 'all of ' + str(of_team)}")


@team_commands.command("revoke")
def revoke(team: str, model: Model = None, of_team: OfTeam = None) -> None:
    """Take a grant back."""
    Assay().revoke_grant(team, model=model, of_team=of_team)
    typer.echo(f"{team} has no grant on {model or 'all of ' + str(of_team)} any more")


@team_commands.command("give")
def give(
    team: Annotated[str, typer.Argument(help="The team that gets it; - for none.")],
    model: Model = None,
    pipeline: Annotated[str | None, typer.Option(help="One pipeline.")] = None,
) -> None:
    """Give a model or a pipeline to a team."""
    if (model is None) == (pipeline is None):
        raise typer.BadParameter("name either --model or --pipeline")
    kind = "models" if model else "pipelines"
    Assay().give(kind, str(model or pipeline), None if team == "-" else team)
    typer.echo(f"{model or pipeline} belongs to {'no team' if team == '-' else team}")
