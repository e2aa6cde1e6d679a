"""``assay accept``: exceptions that take two people."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.output import print_table
from app.client import Assay

accept_commands = typer.Typer(help="Exceptions that take two people, and expire.", no_args_is_help=True)


@accept_commands.command("request")
def request(
    model: str,
    test: Annotated[str, typer.Argument(help="The test's id, DATA-2 say.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    subject: Annotated[str, typer.Option(help="The feature (DATA-2, DATA-3) or column (DATA-5).")] = "",
    not_applicable: Annotated[
        bool, typer.Option("--not-applicable", help="The whole test makes no sense for this model.")
    ] = False,
    days: Annotated[int, typer.Option(help="For how long.")] = 180,
) -> None:
    """Ask that a fault be accepted, or that a test be not applicable."""
    kind = "not_applicable" if not_applicable else "acceptance"
    asked = {"kind": kind, "test_id": test, "subject": subject, "reason": reason, "expires_in_days": days}
    made = Assay().request_acceptance(model, asked)
    typer.echo(f"acceptance {made['id']} is requested; another person agrees: assay accept agree {made['id']}")


@accept_commands.command("agree")
def agree(acceptance_id: int) -> None:
    """Agree to what another person asked for."""
    one = Assay().agree(acceptance_id)
    typer.echo(f"acceptance {one['id']} ({_told(one)}) holds until {one['expires_at']}")


@accept_commands.command("revoke")
def revoke(acceptance_id: int, reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")]) -> None:
    """Take an acceptance back."""
    one = Assay().revoke_acceptance(acceptance_id, reason)
    typer.echo(f"acceptance {one['id']} ({_told(one)}) is revoked")


@accept_commands.command("list")
def list_acceptances(model: str) -> None:
    """What was asked for, agreed to and ended, newest first."""
    keys = ("id", "status", "kind", "test_id", "subject", "requested_by", "agreed_by", "expires_at", "reason")
    rows = [tuple(one[key] or "" for key in keys) for one in Assay().acceptances(model)]
    header = ("ID", "STATUS", "KIND", "TEST", "SUBJECT", "ASKED BY", "AGREED BY", "EXPIRES", "REASON")
    print_table("", header, rows)


def _told(one: dict[str, Any]) -> str:
    return " ".join(filter(None, (one["kind"].replace("_", " "), one["test_id"], one["subject"])))
