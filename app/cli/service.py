"""What runs where the service runs: ``serve``, ``worker``, ``db``, ``sign-in``, ``demo``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.local import database
from app.config import Settings

if TYPE_CHECKING:
    from sqlmodel import Session

db_commands = typer.Typer(help="The database.", no_args_is_help=True)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8321,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run a worker beside it.")] = True,
) -> None:
    """Serve the API and the pages, with a worker beside them; migrates the database first."""
    from app.server import run_server

    settings = Settings()
    if "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})
    run_server(settings, host, port, with_worker=worker)


def worker(
    parent: Annotated[int, typer.Option(hidden=True, help="End with this process.")] = 0,
) -> None:
    """Run queued audits, and queue the scheduled ones."""
    from app.server import end_with
    from app.worker import serve as work

    if parent:
        end_with(parent)
    work(Settings())


@db_commands.command("upgrade")
def upgrade() -> None:
    """Create or upgrade the schema and install the default policies."""
    from app.server import prepare

    prepare(Settings())


@contextmanager
def own_database() -> Iterator[Session]:
    """A writing session on the configured database, which only commands on the service's own machine open."""
    with database(Settings()) as opened, opened.write() as session:
        yield session


def sign_in(
    name: Annotated[str, typer.Option(help="Whose sessions these will be.")] = "admin",
    role: Annotated[
        str, typer.Option(help="viewer, reviewer, owner or admin; member: what the teams of that name say.")
    ] = "admin",
) -> None:
    """Print a link that signs a browser in, once. It begins with ASSAY_PUBLIC_URL."""
    from app.access.service import create_sign_in_link

    with own_database() as session:
        link = create_sign_in_link(session, Settings(), name=name, role=role, created_by="shell")
    typer.echo(link)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit at the end instead of serving on.")] = False,
    port: Annotated[int, typer.Option(help="Where the service listens; the next free port is taken.")] = 8321,
) -> None:
    """Train, register, audit and gate real models, then leave the service running."""
    from app.demo import tell

    tell(once=once, port=port)
