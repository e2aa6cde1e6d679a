"""What a scorecard is derived from, and what it says. Plain values: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from checks.contract import Scope, Section, Verdict

CONCLUSIVE = frozenset({Verdict.PASS, Verdict.FAIL})


class Source(StrEnum):
    """Whose evidence a score rests on. ``PERSON`` is a computed check that a person started,
    ``DECLARATION`` that a test is not applicable, which earns nothing.
    """

    AUTOMATIC = "automatic"
    PERSON = "person"
    ATTESTATION = "attestation"
    DECLARATION = "declaration"
    NONE = "none"


@dataclass(frozen=True)
class FindingFact:
    """A finding as far as scores need it. ``cap`` says why it earns 0.5 at most, or is None.

    ``ended``: features or columns that were accepted when it was found, and are not any more; ``verdict`` and
    ``reason`` are judged without them.
    """

    test_id: str
    verdict: Verdict
    automatic: bool
    at: datetime
    version: str
    environment: str | None
    cap: str | None
    audit_id: int
    finding_id: int
    reason: str
    remedy: str = ""
    ended: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return self.finding_id


@dataclass(frozen=True)
class AttestationFact:
    """A person's documented manual test. ``result`` is pass or fail; anything else earns nothing.

    With ``agreed_by`` it is a declaration of two people that the test is not applicable, and ``result`` says so.
    """

    test_id: str
    result: Verdict
    person: str
    at: datetime
    expires_at: datetime
    version: str
    environment: str | None
    attestation_id: int
    what: str
    digest: str | None = None
    link: str | None = None
    agreed_by: str | None = None

    @property
    def id(self) -> int:
        return self.attestation_id

    @property
    def waives(self) -> bool:
        """Whether it declares the test not applicable: then runs that came to no conclusion do not matter."""
        return self.agreed_by is not None

    @property
    def verdict(self) -> Verdict:
        return self.result


Fact = FindingFact | AttestationFact


@dataclass(frozen=True)
class Facts:
    """All that a scorecard of ``version`` in ``environment`` (None: in all of them) at ``as_of`` depends on.

    ``runs`` counts the completed conclusive automatic runs of each test for the model, on any version, up to
    ``as_of`` (2 stands for "two or more"). ``windows`` are days by test id. ``automated`` names the tests that
    have a check; it only shapes advice, never a score.
    """

    model: str
    version: str
    environment: str | None
    as_of: datetime
    findings: tuple[FindingFact, ...] = ()
    attestations: tuple[AttestationFact, ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, float] = field(default_factory=dict)
    automated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """One run or one attestation beside a test. ``id`` is the finding's, or the attestation's.

    ``carried_from`` names the version that it was gathered on when that is another one. ``person``, ``link``,
    ``digest`` and ``expires_at`` belong to attestations, ``audit_id`` and ``cap`` to runs.
    """

    source: Source
    id: int
    verdict: Verdict
    at: datetime
    age_days: float
    reason: str
    remedy: str = ""
    environment: str | None = None
    carried_from: str | None = None
    audit_id: int | None = None
    cap: str | None = None
    person: str | None = None
    agreed_by: str | None = None
    link: str | None = None
    digest: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class TestScore:
    """One of the 28: how it is practised (``score``) and, apart from that, what it found (``verdict``).

    ``verdict`` is the newest run's whatever it is, or that of a newer valid attestation unless it would hide a
    check that failed; else ``none``. ``newest`` is that evidence, ``counted`` the one that earns ``score``.
    ``why`` explains the score in a sentence. ``open_failure``: the newest conclusive evidence says fail, also
    when a newer run was inconclusive. ``fresh``: ``newest`` is inside its window (attestation: not expired).
    """

    __test__ = False  # not a test of ours, whatever pytest thinks of the name

    id: str
    title: str
    section: Section
    scope: Scope
    window_days: float
    automated: bool
    score: float
    verdict: Verdict
    why: str
    open_failure: bool
    fresh: bool
    runs: int
    newest: Evidence | None = None
    counted: Evidence | None = None

    @property
    def source(self) -> Source:
        """Whose evidence earns the score."""
        return self.counted.source if self.counted else Source.NONE

    @property
    def verdict_source(self) -> Source:
        """Whose evidence gave the verdict; a gate may want a run where a person only attests."""
        return self.newest.source if self.newest else Source.NONE

    @property
    def reason(self) -> str:
        return self.newest.reason if self.newest else ""

    @property
    def remedy(self) -> str:
        return self.newest.remedy if self.newest else ""

    @property
    def at(self) -> datetime | None:
        return self.newest.at if self.newest else None

    @property
    def age_days(self) -> float | None:
        return self.newest.age_days if self.newest else None


@dataclass(frozen=True)
class SectionScore:
    section: Section
    score: float
    open_failures: int


@dataclass(frozen=True)
class Raise:
    """One way to raise the score. ``effort``: run (free), evidence (hand something in), attest (write it down).

    ``gain`` is what the test's section would gain, ``score_gain`` what the score itself would gain by this
    alone (0 while another section is as low).
    """

    test_id: str
    title: str
    section: Section
    effort: str
    action: str
    gain: float
    score_gain: float


@dataclass(frozen=True)
class Band:
    """``sentence`` puts the paper's reading of the score in a line."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Scorecard:
    """The ML Test Score of a version at ``as_of``: ``score`` is the lowest of the four section scores."""

    model: str
    version: str
    environment: str | None
    as_of: datetime
    rubric_version: str
    score: float
    band: Band
    sections: tuple[SectionScore, ...]
    tests: tuple[TestScore, ...]
    limiting: tuple[Section, ...]
    explanation: str
    raises: tuple[Raise, ...]
    open_failures: int

    def test(self, test_id: str) -> TestScore:
        """The test with that id; KeyError when the rubric has none."""
        for test in self.tests:
            if test.id == test_id:
                return test
        raise KeyError(test_id)

    def section(self, section: Section) -> SectionScore:
        return next(item for item in self.sections if item.section == section)

    @property
    def newest_at(self) -> datetime | None:
        """When the newest run or attestation took place."""
        return max((test.at for test in self.tests if test.at), default=None)
