"""``assay evidence``: hand in files, and collect what tools recorded."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from app.cli.alerts import of_lock_file
from app.cli.catalog import git_head, require_file
from app.client import Assay
from app.evidence import lock_file
from app.evidence.documents import Document
from app.evidence.kinds import KINDS, EvidenceKind
from app.evidence.trials import ParameterForm

evidence_commands = typer.Typer(help="Hand in evidence.", no_args_is_help=True)
collect_commands = typer.Typer(
    help="Write what a tool recorded as a document to hand in; runs where the tool can be reached.",
    no_args_is_help=True,
)
evidence_commands.add_typer(collect_commands, name="collect")


@evidence_commands.command("push")
def push(
    path: Path,
    kind: Annotated[EvidenceKind, typer.Option(help="What the file is.")],
    model: Annotated[str, typer.Option()],
    version: Annotated[str, typer.Option()],
    commit: Annotated[
        str | None, typer.Option(help="The commit it was made from; by default ASSAY_COMMIT, else git's HEAD.")
    ] = None,
    environment: Annotated[
        str, typer.Option(help="Of a lock file: where it is installed. MON-1 watches it there from now on.")
    ] = "",
) -> None:
    """Hand in a file for a version. A commit that is not the version's is refused."""
    require_file(path)
    if environment and kind != "lock-file":
        raise typer.BadParameter("--environment goes with --kind lock-file")
    _hand_in(path, kind, model, version, commit)
    if kind == "lock-file":
        _tell_lock(path)
    if environment:
        with Assay() as service:
            told = service.push_dependencies(model, environment, [of_lock_file(path)])
        changed = "changed" if told["changed"] else "first seen" if told["added"] else "unchanged"
        typer.echo(f"{path.name} in {environment}: {changed}")


def _tell_lock(path: Path) -> None:
    lock = lock_file.parse(path.read_bytes())
    without = f"{len(lock.unhashed)} without a hash" if lock.unhashed else "all with hashes"
    typer.echo(f"{len(lock.packages)} packages ({lock.form}), {without}; {lock.fingerprint}")


def _hand_in(path: Path, kind: EvidenceKind, model: str, version: str, commit: str | None) -> None:
    """A document that names its own commit needs no other."""
    if commit is None and KINDS[kind].commit_of is None:
        commit = os.environ.get("ASSAY_COMMIT") or git_head(Path.cwd())
    with Assay() as service:
        answer = service.push_evidence(model, version, kind, path, commit)
    note = f" (counts 0.5 at most: {answer['cap']})" if answer["cap"] else ""
    typer.echo(f"evidence {answer['id']}: {kind} for {model}@{version}{note}")


Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write it into this file.")]
Push = Annotated[bool, typer.Option("--push", help="Hand it in, for --model and --version.")]
Model = Annotated[str | None, typer.Option()]
Version = Annotated[str | None, typer.Option()]
Commit = Annotated[str | None, typer.Option(help="As for push.")]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=LEAST:MOST",
        help="Beyond these a value makes no sense: subsample=0:1, min_samples_leaf=1: ; may be repeated.",
    ),
]


@dataclass(frozen=True)
class Destination:
    """Where a collected document goes: a file, the service, or else standard output."""

    output: Path | None
    push: bool
    model: str | None
    version: str | None
    commit: str | None

    def __post_init__(self) -> None:
        if self.push and not (self.model and self.version):
            raise typer.BadParameter("--push needs --model and --version")

    def take(self, kind: EvidenceKind, document: Document) -> None:
        content = document.written()
        if self.output:
            self.output.write_bytes(content)
        if self.push:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, f"{kind}.json")
                path.write_bytes(content)
                _hand_in(path, kind, cast(str, self.model), cast(str, self.version), self.commit)
        elif not self.output:
            typer.echo(content, nl=False)


@collect_commands.command("mlflow")
def collect_mlflow(
    trials: Annotated[str, typer.Option(metavar="RUN_ID", help="Its child runs are the trials of a search.")],
    metric: Annotated[str, typer.Option(help="The metric that was searched by.")],
    direction: Annotated[Literal["maximize", "minimize"], typer.Option()],
    registered: Annotated[
        str | None, typer.Option(metavar="NAME@ALIAS|NAME/VERSION", help="What came out, in the model registry.")
    ] = None,
    limit: Limits = None,
    url: Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_URI", help="The tracking server.")] = "",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """A search for hyperparameters (kind trials): the child runs of one MLflow run."""
    from app.evidence.collecting import mlflow

    destination, limits = Destination(output, push, model, version, commit), _limits(limit)
    with mlflow.connect(url) as server:
        document = mlflow.trials(server, trials, metric, direction, registered=registered, ranges=limits)
    destination.take("trials", document)


@collect_commands.command("optuna")
def collect_optuna(
    storage: Annotated[str, typer.Option(help="The database's URL, or the file of a journal.")],
    study: Annotated[str, typer.Option(help="Its name.")],
    limit: Limits = None,
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """A search for hyperparameters (kind trials): an Optuna study. Needs Optuna beside assay."""
    from app.evidence.collecting import optuna

    destination, limits = Destination(output, push, model, version, commit), _limits(limit)
    destination.take("trials", optuna.trials(optuna.load(storage, study), limits))


def _limits(given: list[str] | None) -> list[ParameterForm]:
    return [_limit(text) for text in given or ()]


def _limit(text: str) -> ParameterForm:
    name, _, bounds = text.partition("=")
    least, colon, most = bounds.partition(":")
    try:
        if not name or not colon:
            raise ValueError(text)
        return ParameterForm(name=name, least=float(least) if least else None, most=float(most) if most else None)
    except ValueError:
        raise typer.BadParameter(f"--limit {text!r}: write NAME=LEAST:MOST, such as subsample=0:1") from None
