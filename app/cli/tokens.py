"""``assay token``: made, listed, rotated and revoked where the service runs; over HTTP see docs/access.md."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from app.cli.output import print_table
from app.cli.service import own_database
from app.config import Settings

token_commands = typer.Typer(help="Tokens, where the service runs.", no_args_is_help=True)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@token_commands.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="Who or what it is for.")],
    role: Annotated[str, typer.Option(help="viewer, client, ci, reviewer, owner or admin.")],
    days: Annotated[int | None, typer.Option(help="Days until it expires; by default ASSAY_TOKEN_DAYS.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Only this scope of the role's; may be repeated.")] = None,
    team: Annotated[str | None, typer.Option(help="Only what this team has, in this role.")] = None,
) -> None:
    """Create a token and print it, this once."""
    from app.access import service, teams
    from app.access.service import Lifetime

    with own_database() as session:
        if team is not None:
            teams.add(session, team, name, role, "shell")
        _, secret = service.create_token(
            session,
            name=name,
            role=role,
            scopes=scope,
            days=days,
            bound=team is not None,
            created_by="shell",
            lifetime=Lifetime.by(Settings()),
        )
    typer.echo(secret)


@token_commands.command("list")
def list_tokens() -> None:
    """Every token, without its secret: how it is, until when, and when it was used last."""
    from sqlmodel import col, select

    from app.access.rotation import state_of
    from app.db import utcnow
    from app.tables import Token

    with own_database() as session:
        rows = session.exec(select(Token).where(Token.kind == "api").order_by(col(Token.id))).all()
    now = utcnow()
    table = [
        (t.id, t.name, t.role, "teams" if t.bound else "all", state_of(t, now), t.expires_at, t.last_used_at)
        for t in rows
    ]
    print_table("", ("ID", "NAME", "ROLE", "OPENS", "STATE", "EXPIRES", "LAST USED"), table)
    for t in rows:
        if state_of(t, now) == "ends_soon":
            left = max((t.expires_at - now).days, 0)
            typer.echo(f"{t.name} ends in {left} days: assay token rotate {t.name}", err=True)


@token_commands.command("rotate")
def rotate_token(
    name: Annotated[str, typer.Argument(help="Its name, or its id.")],
    overlap: Annotated[
        str, typer.Option(help="How long the old secret still holds: 30m, 24h, 7d; 0h: not.")
    ] = "24h",
    days: Annotated[int | None, typer.Option(help="Days until the new one expires.")] = None,
) -> None:
    """Print a new secret for the same identity, this once."""
    from app.access import rotation
    from app.access.service import Lifetime
    from app.db import utcnow

    span = _span(overlap)
    with own_database() as session:
        old = rotation.named(session, name, utcnow())
        _, secret = rotation.rotate(
            session, old.id, "shell", overlap=span, days=days, lifetime=Lifetime.by(Settings())
        )
    typer.echo(f"the old secret of {old.name} (token {old.id}) holds until {old.expires_at}", err=True)
    typer.echo(secret)


@token_commands.command("revoke")
def revoke_token(token_id: int) -> None:
    """End a token at once."""
    from app.access import service

    with own_database() as session:
        service.revoke(session, token_id, "shell")
    typer.echo(f"token {token_id} is revoked")


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no span of time such as 30m, 24h or 7d", param_hint="--overlap")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
