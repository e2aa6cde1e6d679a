"""``assay evidence collect git|github|gitlab``: what is known of the code that a version was made from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.catalog import git_head, read_manifest
from app.cli.evidence import Destination, Model, Output, Push, Version
from app.errors import Invalid

if TYPE_CHECKING:
    from app.evidence.collecting.forge import Forge
    from app.evidence.review_record import ReviewRecord

FULL_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Of = Annotated[str, typer.Option(help="The full commit; by default ASSAY_COMMIT, else git's HEAD.")]


def collect_git(
    manifest_file: Annotated[
        Path, typer.Option("--file", "-f", help="The manifest, which names branch, paths and features.")
    ] = Path("assay.yaml"),
    checkout: Annotated[Path, typer.Option(help="The checkout that the model is trained from.")] = Path(),
    commit: Annotated[str, typer.Option(help="The commit to ask about.")] = "HEAD",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
) -> None:
    """What git says of the version's commit (kind git)."""
    from app.evidence.collecting import git

    destination, manifest = Destination(output, push, model, version, None), read_manifest(manifest_file, {})
    names = [feature.name for feature in manifest.features]
    code = manifest.code
    destination.take("git", git.collect(checkout, code.protected_branch, code.feature_paths, names, commit))


def collect_github(
    repository: Annotated[str, typer.Option(metavar="OWNER/NAME", envvar="GITHUB_REPOSITORY")],
    commit: Of = "",
    url: Annotated[str, typer.Option(envvar="GITHUB_API_URL", help="Where the API begins.")] = "",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
) -> None:
    """Reviews of the commit's pull requests (kind review). Reads GITHUB_TOKEN."""
    from app.evidence.collecting import github

    destination = Destination(output, push, model, version, None)
    with github.connect(url or github.URL, os.environ.get(github.TOKEN, "")) as forge:
        _review(destination, github.collect, forge, repository, commit)


def collect_gitlab(
    project: Annotated[str, typer.Option(metavar="GROUP/NAME", envvar="CI_PROJECT_PATH")],
    commit: Of = "",
    url: Annotated[str, typer.Option(envvar="CI_API_V4_URL", help="Where the API begins.")] = "",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
) -> None:
    """Approvals of the commit's merge requests (kind review). Reads GITLAB_TOKEN."""
    from app.evidence.collecting import gitlab

    destination = Destination(output, push, model, version, None)
    with gitlab.connect(url or gitlab.URL, os.environ.get(gitlab.TOKEN, "")) as forge:
        _review(destination, gitlab.collect, forge, project, commit)


def _review(
    destination: Destination,
    collect: Callable[[Forge, str, str], ReviewRecord],
    forge: Forge,
    repository: str,
    commit: str,
) -> None:
    asked = commit or os.environ.get("ASSAY_COMMIT") or git_head(Path.cwd()) or ""
    if not FULL_COMMIT.fullmatch(asked):
        raise Invalid(f"--commit {asked!r}: give the full commit")
    destination.take("review", collect(forge, repository, asked))
