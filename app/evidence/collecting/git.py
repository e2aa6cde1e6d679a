"""Asks git about the commit that a version was made from.

git is called without a shell, within limits of time and size, and sees the history as it was committed: neither
replacements (``git replace``) nor grafts count, and nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from app.errors import Invalid
from app.evidence.collecting.feature_history import first_seen
from app.evidence.git_record import MOST_CHANGES, MOST_PEOPLE, FirstSeen, GitRecord, Person, Trailer

SECONDS = 120.0
MOST_BYTES = 16 * 1024 * 1024
FIELDS = ("%an", "%ae", "%cn", "%ce", "%(trailers:only,unfold)")
ASIDE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
"""Variables by which a hook, say, would point git at another repository."""
PLAIN = (
    "--no-pager",
    "-c",
    "core.quotePath=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
)


@dataclass(frozen=True)
class Repository:
    """A checkout."""

    folder: Path

    def ask(self, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        """What git prints.

        Raises:
            Invalid: git failed, took too long or said too much.
        """
        with self.asked(*arguments, extra=extra) as out:
            said = out.read(MOST_BYTES + 1)
        if len(said) > MOST_BYTES:
            raise Invalid(f"git {arguments[0]} said more than {MOST_BYTES} bytes")
        return said.decode(errors="replace")

    def line(self, *arguments: str) -> str | None:
        """The line that git prints, or None where it says no."""
        try:
            return self.ask(*arguments).strip()
        except Invalid as error:
            if error.extra.get("code") == 1:
                return None
            raise

    @contextmanager
    def asked(self, *arguments: str, extra: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
        """The output as it comes; a reader that stops early ends git."""
        command = ["git", *PLAIN, "-C", str(self.folder), *arguments]
        environment = {key: value for key, value in os.environ.items() if key not in ASIDE} | {
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": os.devnull,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
        }
        with tempfile.TemporaryFile() as told:
            try:
                process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                    command, env=environment | dict(extra or {}), stdout=subprocess.PIPE, stderr=told
                )
            except OSError as error:
                raise Invalid(f"git cannot be run: {error.strerror}") from None
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            ended = False
            out = cast(IO[bytes], process.stdout)
            try:
                yield out
                ended = not out.read(1)
            finally:
                late = not timer.is_alive()
                timer.cancel()
                if not ended:
                    process.kill()
                process.wait()
                out.close()
            if late:
                raise Invalid(f"git {arguments[0]} took longer than {SECONDS:.0f} s")
            if ended and process.returncode:
                told.seek(0)
                reason = told.read(500).decode(errors="replace").strip().split("\n")[0]
                raise Invalid(f"git {arguments[0]}: {reason or 'no'}", code=process.returncode)


def collect(
    folder: Path,
    protected_branch: str = "main",
    feature_paths: Sequence[str] = (),
    features: Sequence[str] = (),
    commit: str = "HEAD",
) -> GitRecord:
    """What git says of ``commit`` in the checkout ``folder``, and when each feature first appeared.

    Raises:
        Invalid: not a repository, no such commit, or git does not answer in time.
    """
    repository = Repository(folder)
    full = repository.ask("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}").strip()
    shallow = repository.line("rev-parse", "--is-shallow-repository") == "true"
    reachable, ref, reachable_why = _reachable(repository, full, protected_branch, shallow=shallow)
    clean, changes, clean_why = _clean(repository, full)
    authors, committers, trailers = _people(repository, full)
    return GitRecord(
        commit=full,
        collected_at=datetime.now(UTC),
        tool=repository.ask("--version").strip(),
        protected_branch=protected_branch,
        reachable=reachable,
        reachable_from=ref,
        reachable_why=reachable_why,
        clean=clean,
        clean_why=clean_why,
        changes=[path[:1000] for path in changes[:MOST_CHANGES]],
        changed=len(changes),
        shallow=shallow,
        authors=authors,
        committers=committers,
        trailers=trailers,
        feature_paths=list(feature_paths),
        features=_features(repository, full, feature_paths, features),
    )


def ref_of(repository: Repository, branch: str) -> str | None:
    """The branch as the checkout has it: a remote's before the checkout's own."""
    remotes = sorted((repository.line("remote") or "").split("\n"), key=lambda name: (name != "origin", name))
    refs = [f"refs/remotes/{remote}/{branch}" for remote in remotes if remote] + [f"refs/heads/{branch}"]
    return next(
        (one for one in refs if repository.line("rev-parse", "--verify", "--quiet", f"{one}^{{commit}}")), None
    )


def _reachable(
    repository: Repository, commit: str, branch: str, *, shallow: bool
) -> tuple[bool | None, str | None, str]:
    """(reachable, by which ref, why that is unknown)."""
    ref = ref_of(repository, branch)
    if ref is None:
        return None, None, f"the checkout has no branch {branch}: fetch it, or correct code.protected_branch"
    if repository.line("merge-base", "--is-ancestor", commit, ref) is not None:
        return True, ref, ""
    if shallow:
        return None, ref, "the clone is shallow: its history is cut off before the commit; fetch all of it"
    return False, ref, ""


def _clean(repository: Repository, commit: str) -> tuple[bool | None, list[str], str]:
    """(clean, what is not, why that is unknown).

    Compared by an index made afresh: in the checkout's own, files can be marked as unchanged.
    """
    if repository.line("rev-parse", "--is-inside-work-tree") != "true":
        return None, [], "the repository has no files checked out"
    if repository.line("rev-parse", "HEAD") != commit:
        return None, [], "another commit is checked out"
    top = repository.ask("rev-parse", "--show-toplevel").removesuffix("\n")
    with tempfile.TemporaryDirectory() as folder:
        fresh = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        whole = Repository(Path(top))
        whole.ask("read-tree", commit, extra=fresh)
        options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=none")
        said = whole.ask("status", *options, extra=fresh)
    changes = [entry[3:] for entry in said.split("\0") if entry]
    return not changes, changes, ""


def _people(repository: Repository, commit: str) -> tuple[list[Person], list[Person], list[Trailer]]:
    """Authors, committers and trailers of the change that the commit makes or, as a merge, brings in."""
    merged = repository.line("rev-parse", "--verify", "--quiet", f"{commit}^2^{{commit}}")
    span = [f"{commit}^1..{commit}"] if merged else ["--no-walk", commit]
    said = repository.ask("log", "-z", f"--max-count={MOST_PEOPLE}", f"--format={'%x00'.join(FIELDS)}", *span, "--")
    fields = said.split("\0")
    authors, committers = list[Person](), list[Person]()
    trailers = list[Trailer]()
    for start in range(0, len(fields) - len(FIELDS) + 1, len(FIELDS)):
        name, email, committer, committer_email, lines = fields[start : start + len(FIELDS)]
        authors.append(Person(name=name[:1000], email=email[:1000]))
        committers.append(Person(name=committer[:1000], email=committer_email[:1000]))
        for line in lines.split("\n"):
            key, colon, value = line.partition(":")
            if colon and len(trailers) < MOST_PEOPLE:
                trailers.append(Trailer(key=key.strip()[:1000], value=value.strip()[:1000]))
    return list(dict.fromkeys(authors)), list(dict.fromkeys(committers)), trailers


def _features(
    repository: Repository, commit: str, paths: Sequence[str], features: Sequence[str]
) -> list[FirstSeen]:
    """When each feature was first named below the paths; nothing is asked without paths."""
    if not paths or not features:
        return []
    cut = repository.line("rev-parse", "--git-path", "shallow")
    shallow = repository.folder / cut if cut else None
    cut_off = set(shallow.read_text().split()) if shallow and shallow.is_file() else set[str]()
    options = ("--reverse", "--full-history", "-p", "-U0", "--cc", "--no-renames", "--no-color", "--no-ext-diff")
    form = "--format=%x01%H %at %ct"
    top = Path(repository.ask("rev-parse", "--show-toplevel").removesuffix("\n"))
    specs = [f":(top,literal){_from_top(path)}" for path in paths]
    with Repository(top).asked("log", *options, "--no-textconv", form, commit, "--", *specs) as out:
        return first_seen(out, features, cut_off)


def _from_top(path: str) -> str:
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})
