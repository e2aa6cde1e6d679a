"""DATA-7: the tests of the code that makes features, and how much of it they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from checks.code import CodeCoverage, CoveredFile
from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, UnitTests
from checks.methods.source_paths import located

FAULTY = ("failed", "error")
MOST_TOLD = 5


class FeatureCodeTests(Check):
    """All input feature code is tested.

    Asked: code that makes features looks too simple to need tests, and its faults are next to invisible later:
    all of it is tested.

    Measured: of the files under the declared feature paths, how many executable lines the coverage report has, and
    how many of them ran; of the JUnit report, how many cases passed and which failed. Both were handed in for the
    version's commit. Lines are counted, rates are not averaged: a small file weighs little.

    Formula: coverage = lines that ran / executable lines, over the files under all declared paths together. A file
    is under a declared path when that path begins where the report's root or one of its parent folders ends; where
    several folders could be the root of the repository, the one under which most declared paths are found is.

    - Fail: a case failed, whatever it tests; no case passed; the coverage is under `min_coverage`; or the report
      has files of some declared paths and none of others, of which then nothing ran. Those are named.
    - Pass: otherwise.
    - Inconclusive: no path is declared, the report has no executable line under any of them, or it names several
      folders as measured and does not say in which of them a file lies.

    Source: Breck et al. 2017, section II, test Data 7. The 80 % and counting by lines are Assay's interpretation.

    Evidence: `code.feature_paths` in the manifest; a coverage report in Cobertura's XML and a JUnit report, both
    under `evidence` in the manifest or by `assay evidence push --kind coverage` and `--kind junit`. pytest-cov, at
    the root of the repository: `pytest --cov=. --cov-report=xml --junitxml=junit.xml`.

    Fix: test the named path, the least covered files in the table first; repair the named cases.
    """

    id = "DATA-7"
    thresholds: ClassVar[Thresholds] = {"min_coverage": 0.8, "min_passed": 1, "max_failed": 0}

    def measure(self, declared: Declaration, coverage: CodeCoverage, tests: UnitTests) -> Measurement:
        if not declared.feature_paths:
            raise Missing("the paths of the code that makes features", "declare them: `code.feature_paths`")
        found = located(coverage.files, declared.feature_paths)
        outcomes = Counter(case.outcome for case in tests.cases)
        values = {
            "paths": [{"path": path, **_sums(files)} for path, files in found.under.items()],
            **_sums(found.counted),
            "doubtful": [one.places[0].split("/")[-1] for one in found.doubtful],
            "cases": len(tests.cases),
            "passed": outcomes["passed"],
            "faulty": [case.name for case in tests.cases if case.outcome in FAULTY],
        }
        rows = sorted((one.hit / max(one.lines, 1), one.places[0], one.lines, one.hit) for one in found.counted)
        table = Exhibit.table("files.csv", ("coverage", "file", "lines", "hit"), rows)
        return Measurement(values, (table,))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        if untested := _untested(measured, thresholds):
            return Judgement(Verdict.FAIL, untested, "Repair the named cases, or report the run that has them.")
        absent = [one["path"] for one in measured["paths"] if not one["files"]]
        if measured["doubtful"]:
            names = _some(measured["doubtful"])
            reason = f"Several folders were measured; the report does not say in which of them {names} lies."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Measure one folder, the root: `pytest --cov=.`.")
        if not measured["lines"]:
            reason = f"The coverage report has no executable line under {_some(absent or _paths(measured))}."
            return Judgement(
                Verdict.INCONCLUSIVE, reason, "Report the run that imports this code, or correct the paths."
            )
        if absent:
            reason = f"The coverage report has no file under {_some(absent)}: no test ran anything of it."
            return Judgement(Verdict.FAIL, reason, "Test this code, or correct `code.feature_paths`.")
        share, least = measured["hit"] / measured["lines"], thresholds["min_coverage"]
        told = (
            f"Of {measured['lines']} lines in {measured['files']} files under the declared feature paths "
            f"{measured['hit']} ran ({share:.1%}); {measured['passed']} of {measured['cases']} cases passed."
        )
        if share < least:
            worst = min(
                (one for one in measured["paths"] if one["lines"]), key=lambda one: one["hit"] / one["lines"]
            )
            reason = f"{told} At least {least:.0%} are asked for."
            return Judgement(
                Verdict.FAIL, reason, f"Test {worst['path']} first: {worst['hit']} of {worst['lines']} ran."
            )
        return Judgement(Verdict.PASS, told)


def _sums(files: Sequence[CoveredFile]) -> dict[str, int]:
    return {
        "files": len(files),
        "lines": sum(one.lines for one in files),
        "hit": sum(one.hit for one in files),
    }


def _untested(measured: Measured, thresholds: Thresholds) -> str:
    cases, faulty = measured["cases"], measured["faulty"]
    if len(faulty) > thresholds["max_failed"]:
        return f"{len(faulty)} of {cases} cases failed: {_some(faulty)}."
    if measured["passed"] < thresholds["min_passed"]:
        return f"{measured['passed']} of {cases} cases passed; {thresholds['min_passed']} must."
    return ""


def _paths(measured: Measured) -> list[str]:
    return [one["path"] for one in measured["paths"]]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more
