"""``assay gate``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli import reports
from app.cli.output import EXIT_UNAVAILABLE, EXIT_USAGE, explain, split_name
from app.client import DEFAULT_TIMEOUT, Assay, Problem, ServiceError
from app.gate.render import exit_code, no_answer

gate_commands = typer.Typer(help="May this version go to this environment?", no_args_is_help=True)


Outputs = Annotated[
    list[str],
    typer.Option(
        "--output",
        "-o",
        metavar="FORM[=FILE]",
        help="table, json, junit, sarif, markdown or github; into a file, or on standard output. May be repeated.",
    ),
]
Summary = Annotated[
    Path | None, typer.Option(help="Append Markdown to this file, for example to $GITHUB_STEP_SUMMARY.")
]


@gate_commands.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where it would go.")],
    stage: Annotated[str, typer.Option(help="admit (first traffic) or promote (stable traffic).")] = "admit",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait while an audit must run first.")] = False,
    wait_for_people: Annotated[
        bool,
        typer.Option("--wait-for-people", help="Wait while only approvals or waivers are missing."),
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait: for the service, an audit, people.")] = 900,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask without leaving a decision.")] = False,
    output: Outputs = ["table"],  # noqa: B006 - typer copies it
    summary: Summary = None,
) -> int:
    """Exit with 0 for pass, 1 fail, 2 unknown, 3 when the service gave no answer, 64 for a wrong question.

    Reports are written whatever comes out: without an answer they say so.
    """
    model, version = split_name(name)
    wanted = reports.wanted(output, summary)
    service, place = Assay(timeout=min(timeout, DEFAULT_TIMEOUT)), {"environment": environment, "stage": stage}
    deadline = time.monotonic() + timeout
    try:
        patience = timeout if wait or wait_for_people else 0
        decision = service.evaluate(model, version, **place, dry_run=dry_run, wait=patience)
        if wait_for_people:
            decision = service.wait_for_people(decision, deadline - time.monotonic(), _tell)
    except Problem as problem:  # the question was refused, which is not an answer of "no"
        return explain(str(problem), EXIT_USAGE)
    except ServiceError as error:
        reports.write(no_answer(model, version, environment, stage, str(error)), wanted)
        return explain(str(error), EXIT_UNAVAILABLE)
    reports.write(decision, wanted)
    return exit_code(decision)


def _tell(awaited: list[str]) -> None:
    typer.echo(f"waiting for people: {', '.join(awaited)}", err=True)


@gate_commands.command("show")
def show_decision(
    decision_id: Annotated[int, typer.Argument(metavar="DECISION")],
    output: Outputs = ["table"],  # noqa: B006 - typer copies it
    summary: Summary = None,
) -> int:
    """A stored decision, in the same forms and with the same exit codes."""
    decision = Assay().decision(decision_id)
    reports.write(decision, reports.wanted(output, summary))
    return exit_code(decision)


@gate_commands.command("consume")
def consume(decision_id: int) -> None:
    """Use a decision for a deployment that Assay does not know of: exit with 0 for the one who gets it, else 1."""
    used = Assay().consume(decision_id)
    typer.echo(f"decision {decision_id} is consumed: {used['stage']} to {used['environment']}")
