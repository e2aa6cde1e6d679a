"""deepchecks at arm's length: an environment of its own, a child process, files in and out, never a model.

deepchecks 0.19.1 is the last release and needs older numpy and scikit-learn than the service; it is under the
AGPL, so nothing of it is imported here. ``script.py`` runs in its environment and imports nothing of Assay. The
child gets predictions as columns, reaches no address and ends with the process that started it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from app import sandbox
from app.engines.deepchecks import files, script
from app.engines.deepchecks.files import Request
from app.engines.health import Health, python_of
from app.engines.reports import with_banner
from checks.contract import Exhibit, Missing
from checks.evidence import Slice
from checks.serving import FullSuite

NAME = "deepchecks"
INSTALL = "assay engines install"
SECONDS = 240.0
"""A quiet machine needs 30."""
ENVIRONMENT = {
    "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "true",
    "DISABLE_LATEST_VERSION_CHECK": "true",
    "MPLBACKEND": "agg",
    "LOKY_MAX_CPU_COUNT": "1",  # else joblib starts processes that import all of it again
}


@dataclass(frozen=True)
class Answer:
    """``suite`` or ``segments`` is None where it was not asked for or failed; ``problems`` says why it failed.

    ``segments``: weakest first, as found in ``searched_rows`` rows.
    """

    library: str
    suite: FullSuite | None = None
    segments: tuple[Slice, ...] | None = None
    searched_rows: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)


def health_check(engines: Path) -> Health:
    """Whether deepchecks can be imported in its environment under ``engines``; takes some seconds."""
    code = "import deepchecks.tabular.suites, deepchecks; print(deepchecks.__version__)"
    command = [str(python_of(engines, NAME)), "-I", "-W", "ignore", "-c", code]
    with TemporaryDirectory() as folder:
        try:
            version = sandbox.run(command, seconds=SECONDS, folder=Path(folder), environment=ENVIRONMENT)
        except sandbox.Stopped as stopped:
            last = stopped.tail.splitlines()[-1:]
            return Health(NAME, problem=": ".join([str(stopped), *last]), remedy=INSTALL)
    return Health(NAME, version.split()[-1])


def run(engines: Path, request: Request, seconds: float = SECONDS) -> Answer:
    """Run deepchecks in its environment under ``engines``.

    Raises:
        Missing: the environment is not there, or no feature is a number or a category.
        sandbox.Stopped: the child gave no answer.
    """
    python = python_of(engines, NAME)
    if not python.exists():
        raise Missing("deepchecks' environment", INSTALL)
    with TemporaryDirectory() as name:
        folder = Path(name)
        written = files.write(request, folder)
        command = [str(python), "-I", script.__file__, name]
        sandbox.run(command, seconds=seconds, folder=folder, environment=ENVIRONMENT)
        answer = files.read_answer(folder)
        return Answer(
            library=f"{NAME} {answer['version']}",
            suite=_suite(answer, written, folder) if "tests" in answer else None,
            segments=files.slices(answer["segments"], written.features) if "segments" in answer else None,
            searched_rows=written.rows.get("search", 0),
            problems=answer["problems"],
        )


def _suite(answer: Mapping[str, dict[str, bool]], written: files.Written, folder: Path) -> FullSuite:
    library, told = f"{NAME} {answer['version']}", written.drawn_from
    title = f"deepchecks' full suite over a sample: {told}"
    page = (folder / "report.html").read_text(encoding="utf-8")
    banner = with_banner(page, f"{title}. Assay's verdict does not come from here.")
    return FullSuite(
        Exhibit(title, "text/html", banner), library, written.rows["test"], told, dict(answer["tests"])
    )


__all__ = ["NAME", "Answer", "Request", "health_check", "run"]
