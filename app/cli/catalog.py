"""``assay model``, ``assay attest``."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from app import validation
from app.catalog import yamlfile
from app.catalog.manifest import Manifest, parse
from app.cli.output import print_json, print_table, split_name
from app.client import Assay, Problem
from app.errors import FieldError, Invalid

model_commands = typer.Typer(help="Register models and look them up.", no_args_is_help=True)

UNPROCESSABLE = 422


@model_commands.command("register")
def register(
    manifest_file: Annotated[Path, typer.Option("--file", "-f", help="The manifest.")] = Path("assay.yaml"),
    root: Annotated[
        Path | None, typer.Option(help="Folder of the files that it names; by default its own.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Replaces version.name.")] = None,
    commit: Annotated[
        str | None, typer.Option(help="Replaces version.commit; by default ASSAY_COMMIT, else git's HEAD.")
    ] = None,
    change_reason: Annotated[str | None, typer.Option(help="Replaces version.change_reason.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Register a version from its manifest. A second time changes nothing."""
    given = {"name": version, "commit": commit or os.environ.get("ASSAY_COMMIT"), "change_reason": change_reason}
    overrides = {key: value for key, value in given.items() if value is not None}
    manifest = read_manifest(manifest_file, overrides)
    if manifest.version.commit is None and (head := git_head(manifest_file.parent)):
        manifest = read_manifest(manifest_file, {**overrides, "commit": head})
    try:
        answer = register_manifest(Assay(), manifest, root or manifest_file.parent)
    except Problem as problem:
        raise _located(problem, manifest_file) from None
    if as_json:
        return print_json(answer)
    what = "registered" if answer["created"] else "was registered before, unchanged"
    typer.echo(f"{manifest.model.name}@{manifest.version.name} {what}\n{answer['scorecard_url']}")
    return None


def read_manifest(path: Path, overrides: dict[str, str]) -> Manifest:
    """Raises Invalid naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: not UTF-8 at byte {error.start}") from None
    return parse(text, str(path), overrides)


def _located(problem: Problem, path: Path) -> Exception:
    """What the service found wrong with the manifest, with the lines it stands on; other problems as they are."""
    found = problem.body.get("errors")
    if problem.status != UNPROCESSABLE or not found:
        return problem
    _, lines = yamlfile.load(path.read_text(encoding="utf-8"), str(path))
    errors = [FieldError(e["path"], e["message"], validation.line_of(e["path"], lines)) for e in found]
    return yamlfile.refuse(str(path), errors)


def register_manifest(client: Assay, manifest: Manifest, root: Path) -> dict[str, object]:
    """Upload the files below ``root`` that the manifest names, then register it."""
    files = {part: root / name for part, name in manifest.uploads.items()}
    evidence = [(item.kind, root / item.path) for item in manifest.evidence]
    missing = [path for path in (*files.values(), *(path for _, path in evidence)) if not path.is_file()]
    if missing:
        problems = [FieldError(path.name, "there is no such file") for path in missing]
        raise Invalid("\n".join(f"{path}: there is no such file" for path in missing), problems)
    return client.register(manifest.model_dump(mode="json"), files, evidence)


def git_head(folder: Path) -> str | None:
    """The commit that is checked out where the manifest lies, if git can tell."""
    command = ["git", "-C", str(folder or "."), "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


@model_commands.command("list")
def list_models() -> None:
    """All models."""
    rows = [(m["name"], m["newest_version"], m["task"], m["risk_tier"], m["owner"]) for m in Assay().models()]
    print_table("", ("MODEL", "NEWEST", "TASK", "RISK", "OWNER"), rows)


@model_commands.command("show")
def show(name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")]) -> None:
    """A version as it was registered, as JSON."""
    print_json(Assay().version(*split_name(name)))


def require_file(path: Path) -> None:
    """Raises Invalid when there is no such file."""
    if not path.is_file():
        raise Invalid(f"{path}: there is no such file")


def attest(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    test: Annotated[str, typer.Option(help="The rubric's test, for example MODEL-1.")],
    person: Annotated[str, typer.Option(help="Who tested.")],
    what: Annotated[str, typer.Option(help="What was tested, and how.")],
    result: Annotated[str, typer.Option(help="pass or fail.")],
    to: Annotated[list[str], typer.Option(help="Who received the result; may be repeated.")],
    link: Annotated[str | None, typer.Option(help="Where the result is documented.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file that documents it.")] = None,
    environment: Annotated[str | None, typer.Option(help="For system tests: where.")] = None,
    days: Annotated[int, typer.Option(help="Days until it expires.")] = 180,
    reservations: Annotated[
        str | None, typer.Option(help="What a test that passed leaves to be done; opens an issue.")
    ] = None,
) -> None:
    """Attest a manual test: documented and distributed, it is worth 0.5."""
    if file:
        require_file(file)
    client = Assay()
    attestation = {
        "test_id": test,
        "person": person,
        "what": what,
        "result": result,
        "reservations": reservations,
        "recipients": to,
        "link": link,
        "digest": client.upload(file) if file else None,
        "environment": environment,
        "expires_in_days": days,
    }
    answer = client.attest(*split_name(name), attestation)
    typer.echo(f"attestation {answer['id']}: {test} {result}, expires {answer['expires_at']}")
