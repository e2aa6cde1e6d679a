"""``assay audit``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.output import EXIT_FAIL, EXIT_UNKNOWN, console, print_table, read_moment, split_name, styled
from app.client import Assay

audit_commands = typer.Typer(help="Run checks on a version and follow them.", no_args_is_help=True)


VERDICT_WIDTH = len("not_applicable")


@audit_commands.command("run")
def run(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    check: Annotated[list[str] | None, typer.Option(help="Only this check; may be repeated.")] = None,
    environment: Annotated[str | None, typer.Option(help="Where a system test looks.")] = None,
    window_start: Annotated[
        str | None, typer.Option(help="Look at what was served from here on (ISO 8601, UTC unless it says).")
    ] = None,
    window_end: Annotated[str | None, typer.Option(help="Until here; by default now.")] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Follow it to its end.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to follow it.")] = 3600,
) -> int:
    """Queue an audit. With --watch, exit with 0 when it ran to its end, whatever its checks found."""
    client = Assay()
    model, version = split_name(name)
    window = (read_moment(window_start, "--window-start"), read_moment(window_end, "--window-end"))
    audit = client.run_audit(model, version, environment=environment, checks=check, window=window)
    typer.echo(f"audit {audit['id']} of {name} is {audit['status']}")
    return follow(client, audit["id"], timeout) if watch else 0


@audit_commands.command("watch")
def watch(audit_id: int, timeout: Annotated[float, typer.Option(help="Seconds.")] = 3600) -> int:
    """Follow an audit to its end."""
    return follow(Assay(), audit_id, timeout)


def follow(client: Assay, audit_id: int, timeout: float) -> int:
    """Print each check as it ends, with its reason; returns the exit code."""
    shown: set[str] = set()
    audit: dict[str, Any] = {}
    for audit in client.watch_audit(audit_id, timeout):
        for check_id, step in audit["progress"].items():
            if step["status"] == "done" and check_id not in shown:
                shown.add(check_id)
                verdict = styled(step["verdict"])
                verdict.pad_right(VERDICT_WIDTH - len(verdict))
                console().print(f"  {check_id:9}", verdict, f"{step['seconds']:6.1f} s", sep="  ")
    if audit["status"] == "succeeded":
        return 0
    typer.echo(f"audit {audit_id} is {audit['status']}{': ' + audit['error'] if audit['error'] else ''}", err=True)
    return EXIT_UNKNOWN if audit["status"] in {"queued", "running"} else EXIT_FAIL


@audit_commands.command("show")
def show(audit_id: int) -> None:
    """What an audit found."""
    client = Assay()
    audit = client.audit(audit_id)
    title = f"audit {audit_id} of {audit['model']}@{audit['version']}: {audit['status']}"
    rows = [(f["check_id"], f["verdict"], f["reason"]) for f in client.findings(audit_id)]
    print_table(title, ("TEST", "VERDICT", "REASON"), rows)


@audit_commands.command("list")
def list_audits(
    model: Annotated[str, typer.Option(help="Only this model's.")] = "",
    status: Annotated[str, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = "",
) -> None:
    """Audits, newest first."""
    filters = {key: value for key, value in (("model", model), ("status", status)) if value}
    rows = [
        (a["id"], f"{a['model']}@{a['version']}", a["status"], a["trigger"], a["actor"], a["created_at"])
        for a in Assay().audits(**filters)
    ]
    print_table("", ("AUDIT", "VERSION", "STATUS", "TRIGGER", "BY", "CREATED"), rows)


@audit_commands.command("cancel")
def cancel(audit_id: int) -> None:
    """Stop an audit; what it found so far is dropped."""
    audit = Assay().cancel_audit(audit_id)
    running = audit["status"] == "running"
    typer.echo(f"audit {audit_id} is {'asked to stop' if running else audit['status']}")


@audit_commands.command("retry")
def retry(audit_id: int) -> None:
    """Run a failed or cancelled audit again, as a new one."""
    audit = Assay().retry_audit(audit_id)
    typer.echo(f"audit {audit['id']} is {audit['status']}")
