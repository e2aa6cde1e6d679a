"""``assay engines``: the libraries that have an environment of their own."""

from __future__ import annotations

import subprocess

import typer

from app.cli.output import EXIT_FAIL
from app.config import Settings
from app.engines import bubblewrap, deepchecks
from app.engines.health import install, own_engines

engine_commands = typer.Typer(no_args_is_help=True, help="Libraries that audits use, and their environments.")


@engine_commands.command("install")
def install_engines() -> None:
    """Install deepchecks into an environment of its own, from its lock."""
    folder = Settings().engines_folder
    typer.echo(f"Installing {deepchecks.NAME} into {folder / deepchecks.NAME} ...")
    try:
        install(folder, deepchecks.NAME)
    except (OSError, subprocess.CalledProcessError) as error:
        typer.echo(f"{deepchecks.NAME} could not be installed: {error}", err=True)
        raise typer.Exit(EXIT_FAIL) from None
    doctor()


@engine_commands.command("doctor")
def doctor() -> None:
    """Say which engines are well. Exits with 1 when one is missing or broken."""
    settings = Settings()
    engines = [*own_engines(), deepchecks.health_check(settings.engines_folder)]
    engines += [bubblewrap.health_check()] if settings.train_twice else []
    for one in engines:
        told = f"ok       {one.version}" if one.ok else f"missing  {one.problem}; to mend it: {one.remedy}"
        typer.echo(f"{one.engine:<12} {told}")
    if not all(one.ok for one in engines):
        raise typer.Exit(EXIT_FAIL)
