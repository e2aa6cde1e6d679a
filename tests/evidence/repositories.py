"""Git repositories made for a test, with commits of given authors and dates."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ADA, BO = ("Ada", "ada@example.com"), ("Bo", "bo@example.com")


@dataclass
class Made:
    folder: Path

    def git(self, *arguments: str, author=ADA, committer=None, at="2026-01-01T12:00:00Z", committed=None) -> str:
        committer = committer or author
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": author[0],
            "GIT_AUTHOR_EMAIL": author[1],
            "GIT_AUTHOR_DATE": at,
            "GIT_COMMITTER_NAME": committer[0],
            "GIT_COMMITTER_EMAIL": committer[1],
            "GIT_COMMITTER_DATE": committed or at,
        }
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, **files: str) -> None:
        """``features__a="x"`` writes features/a.py."""
        for name, text in files.items():
            path = self.folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(
        self, message="work", *, author=ADA, committer=None, at="2026-01-01T12:00:00Z", committed=None, **files
    ):
        """Write the files and commit everything; returns the full hash."""
        self.write(**files)
        self.git("add", "--all")
        options = {"author": author, "committer": committer, "at": at, "committed": committed}
        self.git("commit", "--quiet", "--allow-empty", "--message", message, **options)
        return self.git("rev-parse", "HEAD")


def repository(folder: Path, branch="main") -> Made:
    folder.mkdir()
    made = Made(folder)
    made.git("init", "--quiet", f"--initial-branch={branch}")
    return made


def clone(made: Made, folder: Path, *options: str) -> Made:
    made.git("clone", "--quiet", *options, f"file://{made.folder}", str(folder))
    return Made(folder)
