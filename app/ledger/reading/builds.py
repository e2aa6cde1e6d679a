"""What test and build services did with a commit: what they tested, and which packages they built."""

from __future__ import annotations

from collections.abc import Sequence

from app.ledger.events import FINAL, CIRunEvent
from app.ledger.history import History
from app.ledger.reading import within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

KINDS = ("code", "data", "model")
"""What CI must test: for models, code is not enough."""

TELL_CI = "Let CI tell of its runs: a webhook of GitHub or GitLab, or ci_run events."


def runs_of(history: History, commit: str) -> list[CIRunEvent]:
    """Oldest first."""
    found = [one for one in history.ci_runs if within.same_commit(one.commit, commit)]
    return sorted(found, key=lambda one: (one.at, one.run))


def tested(history: History, commit: str) -> Judged:
    """Whether code, data and models of a commit were tested; of each, the newest run that tested it counts."""
    runs = runs_of(history, commit)
    ended = [one for one in runs if one.state in FINAL]
    if not ended:
        if runs:
            return unknown(f"CI run {runs[-1].run} is {runs[-1].state}", "Wait until it ends.")
        return unknown(f"no CI run of commit {within.short(commit)} is known", TELL_CI)
    newest = ended[-1]
    if newest.state != "succeeded":
        remedy = "Repair it; deliver pipelines of commits whose CI run succeeded."
        return lacking(f"CI run {newest.run} {newest.state}", remedy, proof(history, newest))
    if not any(one.tests for one in ended):
        return unknown(f"CI run {newest.run} does not say what it tested", "Tell the `tests` of CI runs.")
    return _covered(history, ended)


def _covered(history: History, ended: Sequence[CIRunEvent]) -> Judged:
    by_kind = {kind: next((run for run in reversed(ended) if count(run, kind) != (0, 0)), None) for kind in KINDS}
    untested = [kind for kind, run in by_kind.items() if run is None]
    failed = [kind for kind, run in by_kind.items() if run and (count(run, kind)[1] or run.state != "succeeded")]
    proofs = [proof(history, run) for run in ended if run in by_kind.values()]
    if failed:
        return lacking(f"tests of {' and '.join(failed)} failed", "Repair what they found.", *proofs)
    if untested:
        remedy = f"Test and validate {' and '.join(untested)} in CI, beside the code."
        return lacking(f"CI tested no {' and no '.join(untested)}", remedy, *proofs)
    return met(*proofs)


def count(run: CIRunEvent, kind: str) -> tuple[int, int]:
    """Tests of a kind that passed and that failed."""
    mine = [one for one in run.tests if one.covers == kind]
    return sum(one.passed for one in mine), sum(one.failed for one in mine)


def packages(runs: Sequence[CIRunEvent]) -> dict[str, CIRunEvent]:
    """By digest without its algorithm: a run that succeeded and built it."""
    return {within.bare(one.digest) or "": run for run in runs if run.state == "succeeded" for one in run.packages}


def proof(history: History, run: CIRunEvent) -> Proof:
    counts = ", ".join(f"{passed} of {kind}" for kind in KINDS if (passed := count(run, kind)[0]))
    tests = f", tests passed: {counts}" if counts else ""
    built = f", {len(run.packages)} packages" if run.packages else ""
    text = f"CI run {run.run} of commit {within.short(run.commit)}: {run.state}{tests}{built}"
    return Proof(text, run.at, within.by_whom(history, run.kind, run.id))
