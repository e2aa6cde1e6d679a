"""An in-memory DuckDB that can read the files it was given, and no other, under whatever name."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from app.engines import tabular
from app.engines.duck_sql import Part
from app.errors import Invalid

if TYPE_CHECKING:
    import duckdb

THREADS = 2
MEMORY = "400MB"
SECONDS = 300.0
"""After which a statement is interrupted."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": THREADS,
    "memory_limit": MEMORY,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "preserve_insertion_order": True,
}

Files = Sequence[tuple[Path, str]]
"""Paths and formats: parquet, csv or arrow."""


@contextmanager
def attached(
    sides: Mapping[str, Files], folder: Path | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, list[Part]]]]:
    """A connection, and by side the views of its files. CSV and Arrow are read into memory, Parquet is not.

    Args:
        folder: where links to the files are kept meanwhile.

    Raises:
        Invalid: a file cannot be read, or a statement failed or took too long.
    """
    import duckdb

    with TemporaryDirectory(dir=folder, prefix="duck-") as links, duckdb.connect(":memory:", config=_CONFIG) as one:
        timer = threading.Timer(SECONDS, one.interrupt)
        timer.start()
        try:
            attach = _Attach(one, Path(links).resolve())
            parts = {name: attach.side(files) for name, files in sides.items()}
            attach.shut()
            yield one, parts
        except duckdb.Error as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise Invalid(f"the data cannot be profiled: {lines[0][:300]}") from error
        finally:
            timer.cancel()


class _Attach:
    def __init__(self, connection: duckdb.DuckDBPyConnection, links: Path) -> None:
        self._connection, self._links = connection, links
        self._paths: list[str] = []
        self._views = 0
        connection.execute("SET TimeZone = 'UTC'")

    def side(self, files: Files) -> list[Part]:
        """Its files as views, those of one schema together."""
        parts, alike = [], dict[tuple[tuple[str, str], ...], list[Path]]()
        for path, form in files:
            if form == "parquet":
                alike.setdefault(tabular.parquet_columns(path), []).append(path)
            else:
                parts.append(self._table(path, form))
        return [*(self._parquet(columns, paths) for columns, paths in alike.items()), *parts]

    def shut(self) -> None:
        """From here on nothing can be opened but the links, and this cannot be undone."""
        self._connection.execute(f"SET allowed_paths = [{', '.join(map(_quoted, self._paths))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def _parquet(self, columns: Sequence[tuple[str, str]], paths: Sequence[Path]) -> Part:
        links = [self._link(path) for path in paths]
        source = f"read_parquet([{', '.join(map(_quoted, links))}], hive_partitioning = false)"
        return self._view(source, [name for name, _ in columns])

    def _table(self, path: Path, form: str) -> Part:
        table = tabular.read_table(path, form)
        source = f"t{self._views}"
        self._connection.register(source, table.rename_columns([f"c{i}" for i in range(table.num_columns)]))
        return self._view(source, table.column_names)

    def _view(self, source: str, names: Sequence[str]) -> Part:
        view, ours = f"v{self._views}", [f"c{i}" for i in range(len(names))]
        self._views += 1
        self._connection.execute(f"CREATE VIEW {view}({', '.join(ours)}) AS SELECT * FROM {source}")  # noqa: S608
        kinds = [str(row[1]) for row in self._connection.execute(f"DESCRIBE {view}").fetchall()]
        return Part(view, dict(zip(names, zip(ours, kinds, strict=True), strict=True)))

    def _link(self, path: Path) -> str:
        """A name that holds no pattern: DuckDB takes * and [ in a file's own name for one."""
        link = self._links / f"{len(self._paths)}.parquet"
        link.symlink_to(path.resolve())
        self._paths.append(str(link))
        return str(link)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
