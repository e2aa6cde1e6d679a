"""Rates of detection and of false alarms with exact 95 % bounds (Clopper and Pearson 1934)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scipy.stats import beta

from benchmarks.faults.results import Judged
from checks.rubric import BY_ID

JUDGES = ("assay", "deepchecks", "evidently")


def tables(results: Iterable[Judged]) -> str:
    """Markdown: by test, then whole audits of healthy worlds, then by case where a fault was missed or invented."""
    judged = list(results)
    return "\n".join([*_by_test(judged), "", *_audits(judged), "", *_surprises(judged)])


def _by_test(judged: list[Judged]) -> Iterator[str]:
    yield "| test | " + " | ".join(f"{judge}: found | {judge}: false alarms" for judge in JUDGES) + " |"
    yield "| --- |" + " --- | --- |" * len(JUDGES)
    tests = sorted({_test(one) for one in judged if _test(one)}, key=list(BY_ID).index)
    for test in tests:
        mine = [one for one in judged if _test(one) == test]
        yield f"| {test} | " + " | ".join(_cells(mine, judge) for judge in JUDGES) + " |"
    yield "| all | " + " | ".join(_cells(judged, judge) for judge in JUDGES) + " |"


def _test(one: Judged) -> str:
    return next((part for part in one.case.split("/") if part in BY_ID), "")


def _cells(judged: list[Judged], judge: str) -> str:
    mine = [one for one in judged if one.judge == judge]
    rates = (_rate(one for one in mine if one.strength == strength) for strength in ("strong", "healthy"))
    return " | ".join(rates)


def _rate(judged: Iterable[Judged]) -> str:
    verdicts = [one.verdict == "fail" for one in judged]
    return interval(sum(verdicts), len(verdicts)) if verdicts else ""


def interval(hits: int, of: int) -> str:
    """A share with its exact 95 % bounds, in percent."""
    low = beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    return f"{hits}/{of} ({100 * low:.0f} to {100 * high:.0f} %)"


def _audits(judged: list[Judged]) -> Iterator[str]:
    """How many whole audits of an untouched world raised a false fail; of a peer, had any failing condition."""
    yield "| untouched world | " + " | ".join(JUDGES) + " | by Assay's |"
    yield "| --- |" + " --- |" * (len(JUDGES) + 1)
    audits = [one for one in judged if one.strength == "audit"]
    for world in [*dict.fromkeys(one.case for one in audits), "all"]:
        mine = [one for one in audits if world in {one.case, "all"}]
        rates = [_rate(one for one in mine if one.judge == judge) for judge in JUDGES]
        worlds = {one.case for one in mine}
        alarms = {
            _test(one)
            for one in judged
            if one.judge == "assay" and _test(one) and one.case.split("/")[0] in worlds and one.verdict == "fail"
        }
        yield f"| {world} | {' | '.join(rates)} | {', '.join(sorted(alarms))} |"


def _surprises(judged: list[Judged]) -> Iterator[str]:
    """The cases in which Assay missed a fault or raised a false alarm."""
    yield "| case | strength | " + " | ".join(f"{judge}: fail" for judge in JUDGES) + " |"
    yield "| --- | --- |" + " --- |" * len(JUDGES)
    cases = {one.case: one.strength for one in judged if "audit" not in one.strength}
    for case, strength in sorted(cases.items()):
        mine = [one for one in judged if one.case == case]
        verdicts = [one.verdict == "fail" for one in mine if one.judge == "assay"]
        if any(verdicts) if strength == "healthy" else not all(verdicts):
            told = [_rate(one for one in mine if one.judge == judge) for judge in JUDGES]
            yield f"| {case.replace('_', ' ')} | {strength} | {' | '.join(told)} |"
