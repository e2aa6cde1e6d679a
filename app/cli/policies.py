"""``assay policy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, print_table
from app.client import Assay
from app.client.connection import Body
from app.errors import Invalid

policy_commands = typer.Typer(help="What the gate asks for.", no_args_is_help=True)


@policy_commands.command("list")
def list_policies() -> None:
    """The policies in force."""
    rows = [(p["name"], p["version"], p["created_by"], p["created_at"]) for p in Assay().policies()]
    print_table("", ("POLICY", "VERSION", "BY", "CREATED"), rows)


@policy_commands.command("show")
def show(
    name: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]")] = None,
    effective: Annotated[bool, typer.Option(help="All that binds, condition by condition.")] = False,
    model: Annotated[str | None, typer.Option(help="Of this model; without an environment its additions.")] = None,
    stage: Annotated[str, typer.Option(help="Of the effective policy: admit or promote.")] = "admit",
) -> None:
    """A policy's text, or the effective policy with the origin of every condition."""
    if name is None and model is not None and not effective:
        typer.echo(Assay().additions(model)["text"], nl=False)
    elif name is None:
        raise Invalid("name an environment")
    elif effective:
        _show_effective(Assay().effective_policy(name, stage=stage, **({"model": model} if model else {})))
    else:
        typer.echo(Assay().policy(name)["text"], nl=False)


def _show_effective(found: Body) -> None:
    about = found["model"] or "any model"
    typer.echo(f"{found['environment']}/{found['stage']} for {about}, risk tier {found['risk_tier']}")
    rows = [(ask["name"], ask["threshold"], ask["origin"], _since(ask)) for ask in found["conditions"]]
    print_table("", ("CONDITION", "THRESHOLD", "ORIGIN", "ENFORCED"), rows)


def _since(ask: Body) -> str:
    if ask["enforced_from"] is None:
        return "yes"
    return f"since {ask['enforced_from']}" if ask["enforced"] else f"from {ask['enforced_from']}"


@policy_commands.command("lint")
def lint(
    files: Annotated[list[Path], typer.Argument(help="Policies in YAML, each named after what it is of.")],
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for doubts, too.")] = False,
) -> int:
    """Check policies without a service; every mistake with its line, and what is valid but surely not meant."""
    from app.gate.changes.candidates import doubts_of, name_of
    from app.gate.changes.schemas import PolicyFile
    from app.gate.policies import additions_for, require_valid

    doubtful = False
    for file in files:
        given = PolicyFile(text=read_text(file), filename=str(file))
        name = name_of(given)
        own = name if name.startswith(additions_for("")) else file.stem
        require_valid(own, given.text, str(file))
        found = doubts_of(given)
        doubtful = doubtful or bool(found)
        for one in found:
            typer.echo(f"{file}:{one.line}: {one.path}: {one.message}")
        typer.echo(f"{file}: valid{', with doubts' if found else ''}")
    return EXIT_FAIL if doubtful and strict else EXIT_PASS


@policy_commands.command("put")
def put(
    file: Annotated[Path, typer.Option("--file", "-f", help="The policy in YAML.")],
    name: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]")] = None,
    model: Annotated[str | None, typer.Option(help="Ask more of this model, everywhere.")] = None,
) -> None:
    """Store a new version of a policy; the same text again changes nothing."""
    if (name is None) == (model is None):
        raise Invalid("name either an environment or --model")
    text = read_text(file)
    policy = Assay().put_additions(model, text) if model else Assay().put_policy(str(name), text)
    typer.echo(f"{model or name} is at version {policy['version']}")


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: {error}") from None
