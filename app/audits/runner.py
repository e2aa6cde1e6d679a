"""The process of one attempt: reads an ``Attempt`` from stdin, runs its checks, answers a line of JSON at a time.

Each check is on its own: whatever it raises becomes its finding, and the next one runs.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import traceback
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checks as rubric
from app import sandbox
from app.audits.attempt import Attempt, Event, ExhibitFile, Found
from app.audits.providers import Evidence
from checks import evidence as kinds
from checks import serving
from checks.contract import Check, Exhibit, Judgement, Missing, Verdict

TRACEBACK_LINES = 12
LONGEST_MESSAGE = 500
KEPT_BACK = "what it said is not kept, since it may hold values of columns declared personal or sensitive"
PARENT_CHECK_SECONDS = 1.0


def main(checks: Mapping[str, Check] | None = None) -> None:
    """Run the attempt on stdin. ``checks`` replaces the rubric's own (for tests of the runner)."""
    sandbox.confine_from_arguments()
    send = _channel()
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    attempt = Attempt.model_validate_json(sys.stdin.buffer.read())
    known = rubric.discover() if checks is None else checks
    running = [known[test_id] for test_id in attempt.checks if test_id in known]
    evidence = Evidence(attempt, {need.kind for check in running for need in needs(check).values()})
    for test_id in attempt.checks:
        send(Event(started=test_id))
        thresholds = attempt.thresholds.get(test_id, {})
        send(Event(found=run_check(known[test_id], evidence, thresholds) if test_id in known else _gone(test_id)))


def _channel() -> Callable[[Event], None]:
    """Takes stdout for the protocol alone; what libraries print, from C too, goes to stderr."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def send(event: Event) -> None:
        channel.write(event.model_dump_json().encode() + b"\n")
        channel.flush()

    return send


def _die_with_parent(parent: int) -> None:
    """A worker that is killed cannot end its attempt any more; nobody would read what it found."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _gone(test_id: str) -> Found:
    reason = f"There is no automated check of {test_id} any more."
    return Found(check=test_id, verdict=Verdict.ERROR, reason=reason, remedy="Audit the version anew.")


@dataclass
class _Draft:
    """What is known of a finding so far; an error keeps it."""

    thresholds: dict[str, Any]
    measured: dict[str, Any] = field(default_factory=dict)
    exhibits: list[ExhibitFile] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    caps: list[str] = field(default_factory=list)


def run_check(check: Check, evidence: Evidence, thresholds: Mapping[str, Any]) -> Found:
    """The finding of one check, whatever happens in it. ``thresholds`` replace the check's own by name."""
    started = time.monotonic()
    draft = _Draft({**check.thresholds, **thresholds})
    try:
        judgement = _examine(check, evidence, draft)
    except Missing as missing:
        judgement = Judgement(Verdict.INCONCLUSIVE, f"Missing: {missing.what}.", _sentence(missing.how))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever one check raises is its own finding
        draft.measured["traceback"] = _where(error, evidence)
        judgement = _explain(error, evidence)
    return Found(
        check=check.id,
        verdict=judgement.verdict,
        reason=judgement.reason,
        remedy=judgement.remedy,
        measured=draft.measured,
        thresholds=draft.thresholds,
        exhibits=draft.exhibits,
        inputs=draft.inputs,
        cap="; ".join(draft.caps) or None,
        seconds=round(time.monotonic() - started, 3),
    )


def _examine(check: Check, evidence: Evidence, draft: _Draft) -> Judgement:
    given = {name: _provide(kind, evidence, draft) for name, kind in needs(check).items()}
    measurement = check.measure(**given)
    draft.measured = plain(measurement.values)
    draft.exhibits = [_write(check, number, exhibit) for number, exhibit in enumerate(measurement.exhibits, 1)]
    return check.judge(draft.measured, draft.thresholds)


@dataclass(frozen=True)
class Need:
    """Evidence that a check asks for by the type of a parameter of ``measure``."""

    kind: type
    optional: bool


def needs(check: Check) -> dict[str, Need]:
    """What the parameters of the check's ``measure`` ask for."""
    hints = typing.get_type_hints(type(check).measure, localns={**vars(kinds), **vars(serving)})
    return {name: _need(hint) for name, hint in hints.items() if name != "return"}


def _need(hint: Any) -> Need:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return Need(hint, optional=False)
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    if len(kinds) != 1:
        raise TypeError(f"a check asks for one kind of evidence a parameter, not for {hint}")
    return Need(kinds[0], optional=True)


def _provide(need: Need, evidence: Evidence, draft: _Draft) -> Any:
    try:
        provided = evidence.get(need.kind)
    except Missing:
        if need.optional:
            return None
        raise
    draft.inputs.update(provided.inputs)
    if provided.cap and provided.cap not in draft.caps:
        draft.caps.append(provided.cap)
    return provided.value


def plain(value: Any, path: str = "") -> Any:
    """A copy of ``value`` as JSON would hand it back, so that judging it again later gives the same.

    Raises:
        ValueError: there is a NaN, an infinity or something that JSON does not know; names the path.
    """
    if isinstance(value, Mapping):
        if wrong := next((key for key in value if not isinstance(key, str)), None):
            raise ValueError(f"measured {path or 'values'}: the key {wrong!r} is not text")
        return {key: plain(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}.{i}") for i, item in enumerate(value)]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"measured {path} is {value}, not a finite number")
        return float(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ValueError(f"measured {path} is of the type {type(value).__name__}, which JSON does not know")


def _write(check: Check, number: int, exhibit: Exhibit) -> ExhibitFile:
    file = f"{check.id}-{number}"
    Path(file).write_bytes(exhibit.content)
    return ExhibitFile(name=exhibit.name, media_type=exhibit.media_type, file=file)


def _where(error: BaseException, evidence: Evidence) -> list[str]:
    """The traceback's last lines; without what was said where that may hold a cell of a masked column."""
    lines = traceback.format_tb(error.__traceback__) if evidence.masked else traceback.format_exception(error)
    return "".join(lines).splitlines()[-TRACEBACK_LINES:]


def _explain(error: BaseException, evidence: Evidence) -> Judgement:
    if isinstance(error, MemoryError):
        reason = "The check needed more memory than an audit may use."
        return Judgement(Verdict.ERROR, reason, "Raise ASSAY_AUDIT_MEMORY_MB, or register a smaller sample.")
    message = KEPT_BACK if evidence.masked else str(error).strip()[:LONGEST_MESSAGE]
    reason = f"The check ended with {type(error).__name__}{': ' if message else ''}{message}"
    return Judgement(Verdict.ERROR, reason, "Read the traceback among the measured values, then audit again.")


def _sentence(text: str) -> str:
    return text and text[0].upper() + text[1:].removesuffix(".") + "."


if __name__ == "__main__":
    main()
