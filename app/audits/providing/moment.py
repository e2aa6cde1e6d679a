"""The time as which an audit looks at the world."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.serving import Moment


def _moment(_source: Source, attempt: Attempt) -> Provided:
    return Provided(Moment(attempt.moment))


PROVIDERS: Providers = {Moment: _moment}
