"""What every form of a decision says: titles, counts, score, policy, until when, where to read on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from checks.rubric import BY_ID

Body = Mapping[str, Any]

VERDICTS = {"pass": "PASS", "fail": "FAIL", "unknown": "UNKNOWN", "in_progress": "IN PROGRESS"}
COUNTED = {"fail": "failed", "unknown": "unknown", "waived": "waived", "reported": "reported only", "pass": "hold"}
GRAVITY = ("fail", "unknown", "waived", "reported", "noted", "pass")
"""The gravest first; what this version does not know yet comes right after ``unknown``."""
ASKED = {"must_pass": "must pass", "must_not_fail": "must not fail"}
API_PATH = "/api/v1/gate/evaluations/"

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COMMAND = re.compile(r"(?<!\S)::|##\[")


def no_answer(model: str, version: str, environment: str, stage: str, why: str) -> dict[str, Any]:
    """A body for when the service could not be asked, so that every report can say just that. Never a pass."""
    asked = {"model": model, "version": version, "environment": environment, "stage": stage}
    missing = ("id", "artifact_digest", "score", "expires_at", "decided_at", "evaluation_url", "audit_id", "policy")
    undecided: dict[str, Any] = {"section_scores": {}, "conditions": [], "dry_run": False}
    return {"status": "unknown", **asked, **dict.fromkeys(missing), **undecided, "problem": f"No answer: {why}"}


def standing(condition: Body) -> str:
    """How a condition stands: fail, unknown, waived, reported (it does not deny yet), noted (let through
    although it did not pass), or pass.
    """
    if not condition.get("enforced", True):
        return "reported"
    if condition.get("waived_by"):
        return "waived"
    if condition["status"] == "pass" and isinstance(condition["threshold"], str):
        return "pass" if condition["actual"] == "pass" else "noted"
    return str(condition["status"])


def by_gravity(body: Body) -> list[Body]:
    """The conditions, what stands against the version first."""
    return sorted(body["conditions"], key=lambda condition: _rank(standing(condition)))


def _rank(found: str) -> float:
    return GRAVITY.index(found) if found in GRAVITY else GRAVITY.index("unknown") + 0.5


def verdict(body: Body) -> str:
    return VERDICTS.get(body["status"], VERDICTS["unknown"])


def asked(body: Body) -> str:
    return f"{body['model']}@{body['version']} for {place(body)}"


def place(body: Body) -> str:
    return f"{body['environment']}/{body['stage']}"


def summary(body: Body) -> str:
    """How many conditions came out how, or why there are none."""
    if body.get("problem"):
        return str(body["problem"])
    if body["status"] == "in_progress":
        return f"Audit {body['audit_id']} runs first; nothing is decided yet."
    found = Counter("pass" if (how := standing(c)) == "noted" else how for c in body["conditions"])
    ordered = sorted(found, key=_rank)
    told = ", ".join(f"{found[how]} {COUNTED.get(how, how)}" for how in ordered)
    number = found.total()
    counted = f"{number} condition{'s' * (number != 1)}: {told}." if number else "Nothing is decided."
    return " ".join([counted, *_by_waivers(body)])


def _by_waivers(body: Body) -> list[str]:
    """What the answer owes to waivers."""
    named = [(c["waived_by"], c["name"]) for c in body["conditions"] if c.get("waived_by")]
    told = ", ".join(f"waiver {by['waiver']} of {name} until {by['expires_at'][:10]}" for by, name in named)
    return [f"By {told}; without waivers: {body['status_without_waivers']}."] if told else []


def title(condition: Body) -> str:
    """What a condition asks for."""
    kind, _, rest = condition["name"].partition(".")
    if kind in ASKED:
        return f"{rest} {ASKED[kind]}: {BY_ID[rest].title}"
    what = str(condition["metric"]).replace("section_scores.", "section ")
    if condition["comparator"] == ">=":
        return f"{what} must be at least {number(condition['threshold'])}"
    if condition["comparator"] == "<=":
        return f"{what} must be at most {number(condition['threshold'])}"
    return f"{what} {condition['comparator']} {condition['threshold']}"


def number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def told(condition: Body) -> list[str]:
    """The reason, who waived it, and what is to be done: one sentence or more each."""
    lines = [str(condition["reason"])]
    if not condition.get("enforced", True):
        lines.append(f"This does not deny yet; it would be {condition['status']}.")
    if condition.get("waived_by"):
        lines.append(_waived(condition["waived_by"]))
    if condition["remedy"]:
        lines.append(f"To do: {condition['remedy']}")
    return lines


def _waived(by: Body) -> str:
    return (
        f"By waiver {by['waiver']} until {by['expires_at'][:10]} this does not deny (asked for by "
        f"{by['requested_by']}, approved by {by['approved_by']}): {by['reason']}"
    )


def facts(body: Body) -> list[str]:
    """Score, policy, how long the decision is good for, where it can be read."""
    lines = []
    if body["score"] is not None:
        sections = ", ".join(f"{name} {score:g}" for name, score in body["section_scores"].items())
        lines.append(f"ML Test Score {body['score']:g} ({sections}).")
    if body["policy"]:
        policy = body["policy"]
        lines.append(f"Policy {policy['name']} version {policy['version']} ({policy['digest'][:12]}).")
    if body["decided_at"]:
        lines.append(f"Decided {_minute(body['decided_at'])}, good until {_minute(body['expires_at'])}.")
    return [*lines, *filter(None, [link(body)])]


def link(body: Body) -> str:
    """The decision's page, for people; "" when it is not stored."""
    return str(body["evaluation_url"] or "").replace(API_PATH, "/decisions/")


def service(body: Body) -> str:
    """The service's address as the decision tells it; "" when it does not."""
    return str(body["evaluation_url"] or "").partition(API_PATH)[0]


def one_line(text: str) -> str:
    """Text from models and people on one line, without what a terminal or a CI runner takes for a command.

    GitHub's runner trims a line and obeys it when it begins with ``::``, and obeys ``##[`` anywhere.
    """
    return _COMMAND.sub(lambda found: " ".join(found[0]), _CONTROLS.sub("\ufffd", " ".join(text.split())))


def as_json(value: Any) -> str:
    """JSON in which no runner sees a command; read back, it is the same."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("##[", "#\\u0023[")


def undecided(body: Body) -> Sequence[Body]:
    """One condition that stands for the whole answer, where there is none: no form may show nothing."""
    nothing = {"metric": "decision", "comparator": "==", "threshold": "pass", "actual": None, "remedy": ""}
    return [{"name": "decision", "status": body["status"], "reason": summary(body), **nothing}]


def _minute(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M} UTC"
