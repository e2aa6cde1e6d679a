"""The ML Test Score as one pure function of stored evidence and a time.

Rule: Breck et al. 2017; a test earns 0, 0.5 or 1, a section the sum of its seven, the score is the lowest
section. Decay is Assay's interpretation. A test earns the highest row that its evidence satisfies:

1    automatic conclusive run, at most one window old, and the model has had at least two such runs
0.5  the same, not yet recurring; or older than one window and younger than two
0.5  valid attestation with a conclusive result
0.5  a person's own conclusive run, at most one window old
0.5  instead of 1 for a run whose evidence is capped (handed in by a person, commit not tied to the version)
0    anything else

A window includes its last instant; the second window and an attestation's validity exclude theirs. Evidence
later than ``as_of`` does not exist. Version-bound evidence counts for its own version, system-bound evidence
for the model in the environment that it names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from app.scorecards.advice import explain, raises
from app.scorecards.bands import band_of
from app.scorecards.facts import (
    CONCLUSIVE,
    AttestationFact,
    Evidence,
    Fact,
    Facts,
    FindingFact,
    Scorecard,
    SectionScore,
    Source,
    TestScore,
)
from app.scorecards.wording import why_none, why_scored
from checks.contract import Scope, Section, Verdict
from checks.rubric import RUBRIC_VERSION, TESTS, RubricTest

__all__ = ["AttestationFact", "Facts", "FindingFact", "Scorecard", "TestScore", "prune", "score"]

RECURRING_RUNS = 2
DAY = timedelta(days=1)

_Fact = TypeVar("_Fact", FindingFact, AttestationFact)


@dataclass(frozen=True)
class _Clock:
    """What decides how much a piece of evidence is worth for one test."""

    facts: Facts
    test: RubricTest

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.facts.windows[self.test.id])

    @property
    def runs(self) -> int:
        return self.facts.runs.get(self.test.id, 0)

    def worth_of_run(self, run: FindingFact) -> float:
        if run.verdict not in CONCLUSIVE:
            return 0.0
        age = self.facts.as_of - run.at
        if age > self.window:
            return 0.5 if run.automatic and age < 2 * self.window else 0.0
        full = run.automatic and self.runs >= RECURRING_RUNS and run.cap is None
        return 1.0 if full else 0.5

    def valid(self, attestation: AttestationFact) -> bool:
        return self.facts.as_of < attestation.expires_at

    def worth_of_attestation(self, attestation: AttestationFact) -> float:
        return 0.5 if self.valid(attestation) and attestation.result in CONCLUSIVE else 0.0


def score(facts: Facts) -> Scorecard:
    """The scorecard at ``facts.as_of``. The same facts give the same scorecard for ever."""
    findings, attestations = _by_test(facts.findings), _by_test(facts.attestations)
    tests = tuple(
        _score_test(
            facts,
            test,
            _in_scope(facts, test, findings[test.id]),
            _in_scope(facts, test, attestations[test.id]),
        )
        for test in TESTS
    )
    sections = tuple(_sum_up(section, tests) for section in Section)
    total = min(section.score for section in sections)
    return Scorecard(
        model=facts.model,
        version=facts.version,
        environment=facts.environment,
        as_of=facts.as_of,
        rubric_version=RUBRIC_VERSION,
        score=total,
        band=band_of(total),
        sections=sections,
        tests=tests,
        limiting=tuple(section.section for section in sections if section.score == total),
        explanation=explain(sections),
        raises=raises(facts, tests, sections),
        open_failures=sum(test.open_failure for test in tests),
    )


def prune(facts: Facts) -> Facts:
    """The same facts without the findings that change nothing: what is worth storing beside a decision."""
    by_test = _by_test(facts.findings)
    runs_of = [_in_scope(facts, test, by_test[test.id]) for test in TESTS]
    kept = {run.finding_id for runs in runs_of for run in (*runs[:1], *_decisive(runs))}
    return replace(facts, findings=tuple(run for run in facts.findings if run.finding_id in kept))


def _decisive(runs: Sequence[FindingFact]) -> Iterable[FindingFact]:
    """Of ``runs``, newest first, the newest conclusive one of each worth: a person's, automatic, uncapped."""
    newest: dict[tuple[bool, bool], FindingFact] = {}
    for run in runs:
        if run.verdict in CONCLUSIVE:
            newest.setdefault((run.automatic, False), run)
            newest.setdefault((run.automatic, run.automatic and run.cap is None), run)
    return newest.values()


def _score_test(
    facts: Facts, test: RubricTest, runs: Sequence[FindingFact], attestations: Sequence[AttestationFact]
) -> TestScore:
    """``runs`` and ``attestations`` are all in scope, newest first."""
    clock = _Clock(facts, test)
    valid = [item for item in attestations if clock.valid(item)]
    worth, counted = _best(clock, runs, valid)
    newest = _newest(runs, valid)
    if waiver := newest if isinstance(newest, AttestationFact) and newest.waives else None:
        worth, counted = 0.0, None
    conclusive = _newest([run for run in runs if run.verdict in CONCLUSIVE], valid)
    return TestScore(
        id=test.id,
        title=test.title,
        section=test.section,
        scope=test.scope,
        window_days=clock.window / DAY,
        automated=test.id in facts.automated,
        score=worth,
        verdict=newest.verdict if newest else Verdict.NONE,
        why=why_scored(counted, worth, clock.runs, clock.window / DAY)
        if counted
        else why_none(runs, [waiver] if waiver else attestations, facts.as_of),
        open_failure=conclusive is not None and conclusive.verdict == Verdict.FAIL,
        fresh=newest is not None and (newest in valid or facts.as_of - newest.at <= clock.window),
        runs=clock.runs,
        newest=_as_evidence(facts, newest) if newest else None,
        counted=counted,
    )


def _newest(runs: Sequence[FindingFact], attestations: Sequence[AttestationFact]) -> Fact | None:
    """The newest of both; but a check that failed is not outweighed by somebody who attests otherwise."""
    run, attestation = next(iter(runs), None), next(iter(attestations), None)
    if run is None or attestation is None:
        return run or attestation
    if attestation.waives and run.verdict not in CONCLUSIVE:
        return attestation
    outweighed = run.verdict == Verdict.FAIL and attestation.verdict != Verdict.FAIL
    return run if outweighed or attestation.at < run.at else attestation


def _best(
    clock: _Clock, runs: Iterable[FindingFact], attestations: Iterable[AttestationFact]
) -> tuple[float, Evidence | None]:
    """The highest worth and what earns it; among equals a run before an attestation, then the newest."""
    ranked: list[tuple[float, Fact]] = []
    ranked += [(clock.worth_of_run(run), run) for run in runs]
    ranked += [(clock.worth_of_attestation(item), item) for item in attestations]
    worth, best = max(ranked, key=lambda pair: pair[0], default=(0.0, None))
    return (worth, _as_evidence(clock.facts, best)) if best and worth > 0 else (0.0, None)


def _by_test(evidence: Iterable[_Fact]) -> Mapping[str, list[_Fact]]:
    """Newest first."""
    grouped: dict[str, list[_Fact]] = defaultdict(list)
    for item in sorted(evidence, key=lambda item: (item.at, item.id), reverse=True):
        grouped[item.test_id].append(item)
    return grouped


def _in_scope(facts: Facts, test: RubricTest, evidence: Iterable[_Fact]) -> list[_Fact]:
    return [item for item in evidence if item.at <= facts.as_of and _counts_here(facts, test, item)]


def _counts_here(facts: Facts, test: RubricTest, evidence: Fact) -> bool:
    if test.scope == Scope.VERSION:
        return evidence.version == facts.version
    return facts.environment in {None, evidence.environment}


def _as_evidence(facts: Facts, fact: Fact) -> Evidence:
    if isinstance(fact, FindingFact):
        source = Source.AUTOMATIC if fact.automatic else Source.PERSON
        own: dict[str, Any] = {
            "reason": fact.reason,
            "remedy": fact.remedy,
            "audit_id": fact.audit_id,
            "cap": fact.cap,
        }
    else:
        source = Source.DECLARATION if fact.waives else Source.ATTESTATION
        own = {"reason": fact.what, "person": fact.person, "link": fact.link, "digest": fact.digest}
        own |= {"expires_at": fact.expires_at, "agreed_by": fact.agreed_by}
    return Evidence(
        source=source,
        id=fact.id,
        verdict=fact.verdict,
        at=fact.at,
        age_days=(facts.as_of - fact.at) / DAY,
        environment=fact.environment,
        carried_from=fact.version if fact.version != facts.version else None,
        **own,
    )


def _sum_up(section: Section, tests: Iterable[TestScore]) -> SectionScore:
    mine = [test for test in tests if test.section == section]
    return SectionScore(section, sum(test.score for test in mine), sum(test.open_failure for test in mine))
