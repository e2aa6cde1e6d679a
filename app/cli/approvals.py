"""``assay approval``: people who approve that a version goes to an environment."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import print_table, split_name
from app.client import Assay

approval_commands = typer.Typer(
    help="Approve that a version goes to an environment, where the policy asks for that.", no_args_is_help=True
)


@approval_commands.command("give")
def give(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where it may go.")],
    comment: Annotated[str, typer.Option(help="What you looked at, and why it may go.")],
    stage: Annotated[str | None, typer.Option(help="At this stage only.")] = None,
    digest: Annotated[str | None, typer.Option(help="Of the artifact that you looked at.")] = None,
) -> None:
    """Approve this artifact, until you or somebody else takes it back."""
    model, version = split_name(name)
    given = {"environment": environment, "comment": comment, "stage": stage, "digest": digest}
    made = Assay().give_approval(model, version, **given)
    typer.echo(f"approval {made['id']}: {made['person']} ({made['role']}) approves {name} for {environment}")


@approval_commands.command("revoke")
def revoke(approval_id: int, reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")]) -> None:
    """Take an approval back: your own, or as an administrator or in a role that the policy asks for any. Decisions
    that counted it cannot be used from now on.
    """
    one = Assay().revoke_approval(approval_id, reason)
    typer.echo(f"approval {one['id']} of {one['person']} is revoked")


@approval_commands.command("list")
def list_approvals(name: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]")]) -> None:
    """Who approved what, and took it back, newest first."""
    model, _, version = name.partition("@")
    keys = ("id", "status", "version", "environment", "stage", "person", "role", "created_at", "comment")
    found = Assay().approvals(model, **({"version": version} if version else {}))
    rows = [tuple(one[key] or "" for key in (*keys, "revoked_by", "revocation_reason")) for one in found]
    header = ("ID", "STATUS", "VERSION", "ENVIRONMENT", "STAGE", "PERSON", "ROLE", "AT", "COMMENT")
    print_table("", (*header, "REVOKED BY", "WHY"), rows)
