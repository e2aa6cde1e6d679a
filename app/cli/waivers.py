"""``assay waiver``: conditions of the gate that are excused for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import print_table
from app.client import Assay

waiver_commands = typer.Typer(
    help="Excuse a condition of the gate for a while; it takes two people.", no_args_is_help=True
)


@waiver_commands.command("request")
def request(
    name: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]")],
    condition: Annotated[str, typer.Argument(help="Its name in a decision, must_pass.DATA-4 say.")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    stage: Annotated[str | None, typer.Option(help="At this stage only.")] = None,
    days: Annotated[int, typer.Option(help="For how long.")] = 30,
) -> None:
    """Ask that a condition be excused, of every version or of one."""
    model, _, version = name.partition("@")
    asked = {"condition": condition, "environment": environment, "reason": reason, "stage": stage, "days": days}
    made = Assay().request_waiver(model, {**asked, "version": version or None})
    typer.echo(f"waiver {made['id']} is requested; another person approves: assay waiver approve {made['id']}")


@waiver_commands.command("approve")
def approve(waiver_id: int) -> None:
    """Approve what another person asked for."""
    one = Assay().approve_waiver(waiver_id)
    typer.echo(f"waiver {one['id']} of {one['condition']} holds until {one['expires_at']}")


@waiver_commands.command("revoke")
def revoke(waiver_id: int, reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")]) -> None:
    """Take a waiver back. Decisions that rest on it cannot be used from now on."""
    one = Assay().revoke_waiver(waiver_id, reason)
    typer.echo(f"waiver {one['id']} of {one['condition']} is revoked")


@waiver_commands.command("list")
def list_waivers(model: str) -> None:
    """What was asked for, approved and ended, newest first."""
    keys = ("id", "status", "condition", "version", "environment", "stage", "requested_by", "approved_by")
    rows = [tuple(one[key] or "" for key in (*keys, "expires_at", "reason")) for one in Assay().waivers(model)]
    header = ("ID", "STATUS", "CONDITION", "VERSION", "ENVIRONMENT", "STAGE", "ASKED BY", "APPROVED BY")
    print_table("", (*header, "EXPIRES", "REASON"), rows)
