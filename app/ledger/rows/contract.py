"""A row of the ledger: one thing that the practice asks for, and how it is judged from a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.alerts.events import is_production
from app.ledger.history import DeploymentFact, FindingFact, History, VersionFact
from app.ledger.reading import automation, components, lights, stages, versioning, within
from app.ledger.reading.automation import Automation
from app.ledger.reading.versioning import Versioning
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst
from app.scorecards.windows import windows
from checks.contract import Scope
from checks.rubric import BY_ID


class Readings:
    """What is read of one model's history; each reading is made once, for all rows that ask for it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.model = history.models[0]

    @cached_property
    def automation(self) -> Automation:
        return automation.of_model(self.history, self.model.name)

    @cached_property
    def stages(self) -> Mapping[int, Judged]:
        """By number, from 1."""
        return {one.number: one.judged for one in stages.of_model(self.history, self.model.name)}

    @cached_property
    def components(self) -> Mapping[str, Judged]:
        return {one.kind: one.judged for one in components.of_model(self.history, self.model.name)}

    @cached_property
    def lights(self) -> Mapping[str, Judged]:
        return {one.name: one.judged for one in lights.of_model(self.history, self.model.name)}

    @cached_property
    def versioning(self) -> Versioning:
        return versioning.of_model(self.history, self.model.name)


@dataclass(frozen=True)
class Row:
    """``title`` says what is practised where it is met, ``by`` what shows it."""

    number: int
    group: str
    title: str
    by: str
    judge: Callable[[Readings], Judged]


# --- what rows look at ----------------------------------------------------------------------------


def serving(history: History) -> list[DeploymentFact]:
    """What takes traffic now, production first, stable before canary."""
    roles = {"stable": 0, "canary": 1, "shadow": 2}
    now = [one for one in history.deployments if one.ended_at is None]
    return sorted(now, key=lambda one: (not is_production(one.environment), roles[one.role], -one.id))


def focus(history: History) -> VersionFact | None:
    """The version that the ledger is about: the one asked about, else what serves, else the newest one."""
    if history.subject is not None:
        return next((one for one in history.versions if one.name == history.subject), None)
    by_id = {one.id: one for one in history.versions}
    if places := serving(history):
        return by_id[places[0].version_id]
    return history.versions[-1] if history.versions else None


def newest_finding(history: History, test: str) -> FindingFact | None:
    """Of the version in focus; of tests of the system, of any version, where the model serves before elsewhere."""
    version, here = focus(history), [one for one in history.findings if one.test == test]
    if BY_ID[test].scope is Scope.SYSTEM:
        serves = [one.environment for one in serving(history)]
        return max(here, key=lambda one: (_prominence(one.environment, serves), one.at, one.id), default=None)
    mine = [one for one in here if version is not None and one.version == version.name]
    return max(mine, key=lambda one: (one.at, one.id), default=None)


def _prominence(environment: str | None, serves: Sequence[str]) -> int:
    """Of an environment among those where a model serves; of an audit that looked at none, the least."""
    if environment is None:
        return -len(serves) - 1
    return -(serves.index(environment) if environment in serves else len(serves))


def counts_days(history: History, test: str) -> float:
    """How long a finding counts at all: two of the scorecard's windows."""
    schedules = [one.interval_days for one in history.schedules if one.enabled]
    cadence = within.cadence_days(history)
    return 2 * windows(history.models[0].retraining_days, min(schedules, default=None), cadence)[test]


AUDIT_AGAIN = "Audit the version: assay audit run MODEL@VERSION, and give it a schedule: assay schedule set"


def by_test(history: History, test: str) -> Judged:
    """As a test of the rubric found it: a pass is met, a failure missing, everything else unknown."""
    title, found = BY_ID[test].title, newest_finding(history, test)
    if found is None:
        return unknown(f"{test} ({title}) has not run", AUDIT_AGAIN)
    where = f" in {found.environment}" if found.environment else ""
    proof = Proof(
        f"{test} {title}: {found.verdict}{where}", found.at, f"audit {found.audit_id}", f"/findings/{found.id}"
    )
    age = within.age_days(history, found.at)
    if age >= (limit := counts_days(history, test)):
        return unknown(f"{test} ran {age:.0f} days ago; its evidence counts for {limit:g}", AUDIT_AGAIN, proof)
    if found.verdict == "pass":
        return met(proof)
    told = f"{test} {'failed' if found.verdict == 'fail' else f'was {found.verdict}'}: {found.reason}"
    make = lacking if found.verdict == "fail" else unknown
    return make(told, "Read the finding; it says what to do.", proof)


def tested(number: int, group: str, title: str, *tests: str) -> Row:
    """A row that tests of the rubric show."""
    return Row(
        number,
        group,
        title,
        f"{', '.join(tests)} pass",
        lambda read: worst(by_test(read.history, t) for t in tests),
    )
