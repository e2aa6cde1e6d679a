"""What tools say of the code that the version was made from."""

from __future__ import annotations

from contextlib import suppress
from email.utils import parseaddr

from app.audits.attempt import Attempt, HandedInFile
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from app.evidence import git_record, review_record
from checks.code import Change, CodeCoverage, Commit, Review, Reviews
from checks.contract import Missing

BY_HAND = "approved in a trailer of the commit's message, which its author can write"
REVIEWED_BY = "reviewed-by"


def _coverage(_source: Source, attempt: Attempt) -> Provided:
    files, file = newest(attempt, "coverage", "a coverage report of the version's tests", "pytest --cov-report xml")
    return Provided(CodeCoverage(file.digest, file.cap, files), {"coverage": file.digest}, file.cap)


def git_of(attempt: Attempt) -> tuple[git_record.GitRecord, HandedInFile]:
    """What git says of the version's commit."""
    return newest(attempt, "git", "what git says of the version's commit", "assay evidence collect git")


def _commit(_source: Source, attempt: Attempt) -> Provided:
    said, file = git_of(attempt)
    value = Commit(
        file.digest,
        file.cap,
        commit=said.commit,
        branch=said.protected_branch,
        reachable=said.reachable,
        reachable_why=said.reachable_why,
        clean=said.clean,
        clean_why=said.clean_why,
        changes=tuple(said.changes),
        changed=said.changed,
    )
    return Provided(value, {"git": file.digest}, file.cap)


def _reviews(_source: Source, attempt: Attempt) -> Provided:
    """As the forge tells it, else as the commit's own message does."""
    if attempt.handed_in.get("review"):
        said, file = newest(attempt, "review", "reviews", "JSON")
        changes = tuple(_change(one) for one in said.changes)
        asked = f"{said.forge}, {said.url}" if said.url else said.forge
        value = Reviews(file.digest, file.cap, asked, changes, said.incomplete)
        return Provided(value, {"review": file.digest}, file.cap)
    with suppress(Missing):
        return _in_trailers(*git_of(attempt))
    raise Missing("a record of who reviewed the commit", "assay evidence collect github --push, or gitlab")


def _in_trailers(said: git_record.GitRecord, file: HandedInFile) -> Provided:
    reviewers = [one.value for one in said.trailers if one.key.casefold() == REVIEWED_BY]
    if not reviewers:
        raise Missing("a trailer", "Reviewed-by")
    change = Change(
        name=f"commit {said.commit[:12]}",
        head=said.commit,
        merged=True,
        authors=tuple(one.email for one in (*said.authors, *said.committers)),
        reviews=tuple(Review(_address(one), "approved", commit=said.commit) for one in reviewers),
    )
    cap = "; ".join(why for why in (file.cap, BY_HAND) if why)
    return Provided(Reviews(file.digest, cap, "the commit's message", (change,)), {"git": file.digest}, cap)


def _address(person: str) -> str:
    """Of "Ada <ada@example.com>" the part in brackets."""
    return parseaddr(person)[1] or person


def _change(one: review_record.Change) -> Change:
    reviews = tuple(Review(said.reviewer, said.state, said.at, said.commit, said.bot) for said in one.reviews)
    return Change(
        name=one.url,
        head=one.head,
        merged=one.merged,
        authors=tuple(one.authors),
        unlinked=tuple(one.unlinked),
        head_at=one.head_at,
        reviews=reviews,
    )


PROVIDERS: Providers = {CodeCoverage: _coverage, Commit: _commit, Reviews: _reviews}
