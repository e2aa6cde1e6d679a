"""What tools say of the code that the version was made from."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from checks.code import CodeCoverage


def _coverage(_source: Source, attempt: Attempt) -> Provided:
    files, file = newest(attempt, "coverage", "a coverage report of the version's tests", "pytest --cov-report xml")
    return Provided(CodeCoverage(file.digest, file.cap, files), {"coverage": file.digest}, file.cap)


PROVIDERS: Providers = {CodeCoverage: _coverage}
