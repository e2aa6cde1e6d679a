"""``assay trust``: pipelines that get in without a secret."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import print_table
from app.client import Assay

trust_commands = typer.Typer(
    help="Pipelines that get in by what their CI says of them, without a secret.", no_args_is_help=True
)

Many = list[str] | None


@trust_commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the audit log calls whoever it lets in.")],
    issuer: Annotated[str, typer.Option(help="One of the service's ASSAY_OIDC_CI_ISSUERS.")],
    claim: Annotated[
        list[str],
        typer.Option(metavar="NAME=PATTERN", help="All must fit; * is anything but / and :, ** anything."),
    ],
    scope: Annotated[Many, typer.Option(help="Only this scope of the role ci; may be repeated.")] = None,
    team: Annotated[Many, typer.Option(help="Bound to this team; may be repeated.")] = None,
) -> None:
    """Let a pipeline in whose token has these claims."""
    claims = {}
    for one in claim:
        key, sign, pattern = one.partition("=")
        if not sign or key in claims:
            raise typer.BadParameter(f"{one}: NAME=PATTERN is due, each name once", param_hint="--claim")
        claims[key] = pattern
    asked = {"name": name, "issuer": issuer, "claims": claims, "scopes": scope or None, "teams": team or []}
    with Assay() as assay:
        made = assay.trust(asked)
    typer.echo(f"trust {made['id']} lets it in as {made['name']!r}")


@trust_commands.command("list")
def list_trusts() -> None:
    """Every trust, revoked ones too."""
    with Assay() as assay:
        trusts = assay.trusts()
    rows = [
        (
            *(one[key] for key in ("id", "name", "issuer")),
            ", ".join(f"{name}={pattern}" for name, pattern in one["claims"].items()),
            *(one[key] for key in ("created_by", "revoked_at")),
        )
        for one in trusts
    ]
    print_table("", ("ID", "NAME", "ISSUER", "CLAIMS", "BY", "REVOKED"), rows)


@trust_commands.command("revoke")
def revoke(trust_id: int) -> None:
    """End a trust, and what it let in, at once."""
    with Assay() as assay:
        assay.revoke_trust(trust_id)
    typer.echo(f"trust {trust_id} is revoked")
