"""The gate's judgement: conditions and facts in, an answer with reasons out. Pure, and it denies by default.

Nothing passes that was not shown to pass: what is absent, broken, inconclusive where a pass is asked for, too
old or not understood makes the answer ``unknown``, and so does an exception in this very code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from app.gate import approving, limits, practice
from app.gate.terms import Condition, Conditions, Known, Outcome, Run, Status
from checks.contract import Scope, Section, Verdict
from checks.rubric import BY_ID

log = logging.getLogger(__name__)

STALE_AFTER_WINDOWS = 2
"""Evidence older than so many of its freshness windows shows nothing any more, as in the score."""


def evaluate(conditions: Conditions, known: Known) -> Outcome:
    """Judge every condition. Any ``fail`` makes the answer fail, else any ``unknown`` makes it unknown."""
    judged = tuple(_guarded(condition) for condition in _conditions(conditions, known))
    return Outcome(overall([condition.status for condition in judged]), judged)


def overall(statuses: Iterable[Status]) -> Status:
    """The answer that the conditions add up to. Without any condition nothing was shown, so it is unknown."""
    seen = set(statuses)
    if Status.FAIL in seen:
        return Status.FAIL
    return Status.PASS if seen == {Status.PASS} else Status.UNKNOWN


def unevaluated(name: str, metric: str, error: Exception) -> Condition:
    """A condition that broke. Whatever the mistake is, it must not let anything through."""
    log.error("condition could not be evaluated", exc_info=error, extra={"condition": name})
    reason = f"This condition could not be evaluated ({type(error).__name__}: {error})."
    return Condition(name, metric, "==", "evaluated", None, Status.UNKNOWN, reason, "Report this as a defect.")


@dataclass(frozen=True)
class _Pending:
    name: str
    metric: str
    judge: Callable[[], Condition]


def _guarded(pending: _Pending) -> Condition:
    try:
        return pending.judge()
    except Exception as error:  # noqa: BLE001 - whatever it is, it denies
        return unevaluated(pending.name, pending.metric, error)


def _conditions(conditions: Conditions, known: Known) -> Iterator[_Pending]:
    demand, accepted = conditions.demand, conditions.accept_not_applicable
    for test_id in demand.must_pass:
        yield _of_test("must_pass", test_id, known, accepted)
    for test_id in demand.must_not_fail:
        yield _of_test("must_not_fail", test_id, known, accepted)
    for section, points in demand.sections.items():
        if points > 0:
            yield _of_section(section, points, known)
    if demand.score > 0:
        yield _Pending("minimum.score", "score", lambda: _minimum_score(demand.score, known))
    for name, metric, judge in practice.conditions(demand.practice, known.practice):
        yield _Pending(name, metric, judge)
    for name, metric, judge in limits.conditions(demand, known):
        yield _Pending(name, metric, judge)
    for name, metric, judge in approving.conditions(demand, known):
        yield _Pending(name, metric, judge)
    if known.audit_problem is not None:
        yield _Pending("audit", "audit.status", lambda: _audit_succeeded(str(known.audit_problem)))


def _of_test(kind: str, test_id: str, known: Known, accepted: frozenset[str]) -> _Pending:
    name, metric = f"{kind}.{test_id}", f"{test_id}.verdict"

    def judge() -> Condition:
        run = known.runs.get(test_id)
        strict = kind == "must_pass"
        if run is None:
            status, reason, remedy = _never_ran(test_id, known)
        else:
            status, reason, remedy = _judge_run(run, known, strict=strict, accepted=test_id in accepted)
        asked = ("==", "pass") if strict else ("!=", "fail")
        actual = (run.verdict if run else Verdict.NONE).value
        return Condition(name, metric, *asked, actual, status, reason, remedy)

    return _Pending(name, metric, judge)


Judged = tuple[Status, str, str]


def _never_ran(test_id: str, known: Known) -> Judged:
    of_version = BY_ID[test_id].scope is Scope.VERSION
    reason = f"{test_id} has not run for this {'version' if of_version else 'model in this environment'}."
    return Status.UNKNOWN, reason, _again(test_id, known)


def _again(test_id: str, known: Known) -> str:
    return "Run an audit." if test_id in known.automated else "No check automates this test yet: attest it."


def _judge_run(run: Run, known: Known, *, strict: bool, accepted: bool) -> Judged:
    """Read the newest run. A failure counts however old it is: age never softens it."""
    if run.verdict is Verdict.FAIL:
        return Status.FAIL, _told(run, "failed"), run.remedy
    if run.verdict is Verdict.ERROR:
        return Status.UNKNOWN, _told(run, "ended in an error"), run.remedy or "Repair the cause and audit again."
    if outdated := _outdated(run, known):
        return Status.UNKNOWN, outdated, _again(run.test_id, known)
    if run.verdict is Verdict.NOT_APPLICABLE:
        if accepted:
            return Status.PASS, _told(run, "is not applicable, which the policy accepts"), ""
        return Status.UNKNOWN, _told(run, "is not applicable, which the policy does not accept"), run.remedy
    if run.verdict is Verdict.INCONCLUSIVE:
        if strict:
            return Status.UNKNOWN, _told(run, "was inconclusive, and a pass is asked for"), run.remedy
        return Status.PASS, _told(run, "was inconclusive, which is let through here"), run.remedy
    if run.verdict is not Verdict.PASS:
        return Status.UNKNOWN, f"{run.test_id} has the verdict {run.verdict.value!r}.", ""
    if strict and run.estimated:
        return Status.UNKNOWN, _told(run, "passed by an estimate only, and proof is asked for"), run.remedy
    return Status.PASS, _told(run, "passed"), ""


def _told(run: Run, outcome: str) -> str:
    why = f": {run.reason}" if run.reason else "."
    return f"{run.test_id} {outcome} ({run.source}){why}"


def _outdated(run: Run, known: Known) -> str | None:
    """Why this run is too old to show anything; None when it is not."""
    if run.expires_at is not None:
        expired = run.expires_at <= known.as_of
        return f"{run.test_id}: {run.source} expired on {run.expires_at:%Y-%m-%d}." if expired else None
    window = known.windows[run.test_id]
    age = known.as_of - run.at
    if age < timedelta(days=STALE_AFTER_WINDOWS * window):
        return None
    return (
        f"{run.test_id} last ran {age.days} days ago ({run.source}, {run.at:%Y-%m-%d}); after "
        f"{STALE_AFTER_WINDOWS} times its window of {window:g} days a run shows nothing any more."
    )


def _of_section(section: Section, points: float, known: Known) -> _Pending:
    name, metric = f"minimum.sections.{section.value}", f"section_scores.{section.value}"

    def judge() -> Condition:
        actual = known.section_scores[section]
        status = Status.PASS if actual >= points else Status.FAIL
        reason = f"The {section.value} section scores {actual:g}; at least {points:g} is asked for."
        remedy = _what_raises([section], known) if status is Status.FAIL else ""
        return Condition(name, metric, ">=", points, actual, status, reason, remedy)

    return _Pending(name, metric, judge)


def _minimum_score(points: float, known: Known) -> Condition:
    status = Status.PASS if known.score >= points else Status.FAIL
    lacking = [section for section in Section if known.section_scores[section] < points]
    lowest = [section.value for section in Section if known.section_scores[section] == known.score]
    reason = f"The score is {known.score:g} (lowest: {', '.join(lowest)}); at least {points:g} is asked for."
    remedy = _what_raises(lacking, known)
    return Condition("minimum.score", "score", ">=", points, known.score, status, reason, remedy)


def _what_raises(sections: list[Section], known: Known) -> str:
    """The tests of these sections that do not yet earn their full point."""
    tests = [t for t, rubric in BY_ID.items() if rubric.section in sections]
    without = [t for t in tests if known.test_scores.get(t, 0) == 0]
    half = [t for t in tests if known.test_scores.get(t, 0) == 0.5]
    told = [f"give evidence for one of {', '.join(without)}"] * bool(without)
    told += [f"let {', '.join(half)} run automatically and again (each at 0.5 now)"] * bool(half)
    joined = ", or ".join(told)
    return f"{joined[:1].upper()}{joined[1:]}." if joined else ""


def _audit_succeeded(problem: str) -> Condition:
    remedy = "Read the audit's error and run it again."
    return Condition("audit", "audit.status", "==", "succeeded", "failed", Status.UNKNOWN, problem, remedy)
