"""Policies in the database: immutable versions, the newest of a name is the one that counts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.access import audit_log
from app.catalog import organisation, yamlfile
from app.errors import Conflict, FieldError, Invalid, NotFound, nearest
from app.gate import contradictions, document, queries
from app.gate.in_force import InForce, PolicyText
from app.tables import Policy

DEFAULTS = Path(__file__).parent / "defaults"
SHIPPED_BY = "assay"


def find_policy(session: Session, name: str, version: int | None = None) -> Policy:
    """The newest version of a policy, or the one that is asked for. NotFound names what there is."""
    newest = queries.newest_policy(session, name)
    if newest is None and name.startswith(additions_for("")):
        raise NotFound(f"nothing is asked of {name.removeprefix(additions_for(''))} in addition")
    if newest is None:
        known = queries.policy_names(session)
        raise NotFound(f"there is no policy {name!r}{nearest(name, known)}; there are {', '.join(known) or 'none'}")
    if version is None or version == newest.version:
        return newest
    found = queries.policy_version(session, name, version)
    if found is None:
        raise NotFound(f"the policy {name!r} has no version {version}; its newest is {newest.version}")
    return found


def in_force(session: Session, environment: str, model: str) -> InForce:
    """All that binds a decision on this model for that environment.

    Raises:
        Invalid: nobody wrote a policy for it; with the nearest that there is.
    """
    names = environment, organisation.NAME, additions_for(model)
    found = queries.newest_of(session, names)
    if environment not in found or not is_environment(environment):
        known = [name for name in queries.policy_names(session) if name != organisation.NAME]
        hint = f"{nearest(environment, known)}; there are {', '.join(known)}" if known else "; there are none yet"
        message = f"no policy is written for the environment {environment!r}{hint}"
        raise Invalid(message, [FieldError("environment", message)])
    policy, ours, additions = (text_of(found[name]) if name in found else None for name in names)
    return InForce(policy=policy, floor=ours if ours and has_floor(ours) else None, additions=additions)


def is_environment(name: str) -> bool:
    """Whether a policy of that name is an environment's."""
    return name != organisation.NAME and not name.startswith(additions_for(""))


def additions_for(model: str) -> str:
    """The name under which what is asked of one model in addition is kept. No environment can be called so."""
    return f"models/{model}"


def has_floor(ours: PolicyText) -> bool:
    """One that cannot be read is taken along, so that the answer is unknown."""
    try:
        return document.parse_floor(ours.text, ours.title) is not None
    except Invalid:
        return True


def require_stage(binding: InForce, stage: str) -> None:
    """Raises Invalid, with the nearest, where the environment has no such stage. A policy that is no longer valid
    has any: the answer is ``unknown``, and says why.
    """
    try:
        stages = binding.stages
    except Invalid:
        stages = document.STAGES
    if stage not in stages:
        message = f"the policy of {binding.policy.name} has no stage {stage!r}{nearest(stage, stages)}; "
        message += f"it has {', '.join(stages)}"
        raise Invalid(message, [FieldError("stage", message)])


def text_of(policy: Policy) -> PolicyText:
    return PolicyText(name=policy.name, version=policy.version, digest=policy.digest, text=policy.text)


def newest_text(session: Session, name: str) -> PolicyText | None:
    row = queries.newest_policy(session, name)
    return text_of(row) if row else None


def write_policy(session: Session, name: str, text: str, actor: str) -> tuple[Policy, bool]:
    """Store a policy as the next version of its name; the newest version's own text again changes nothing.

    Returns:
        The version that counts now, and whether it is new.

    Raises:
        Invalid: the text is not a valid policy of that name; with lines.
        Conflict: somebody else wrote a version at the same time.
    """
    require_valid(name, text, f"{name}.yaml")
    _require_above_floor(session, name, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    newest = queries.newest_policy(session, name)
    if newest is not None and newest.digest == digest:
        return newest, False
    version = newest.version + 1 if newest else 1
    row = Policy(name=name, version=version, text=text, digest=digest, created_by=actor)
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"somebody else has just written version {version} of {name!r}; read it first") from None
    before, after = ({"version": one.version, "digest": one.digest} if one else None for one in (newest, row))
    audit_log.record(session, actor, "policy.write", f"policy/{name}", before=before, after=after)
    return row, True


def install_defaults(session: Session) -> None:
    """Store the shipped policies of which there is no version yet. What somebody wrote is never replaced."""
    present = queries.policy_names(session)
    for file in sorted(DEFAULTS.glob("*.yaml")):
        if file.stem not in present:
            write_policy(session, file.stem, file.read_text(encoding="utf-8"), SHIPPED_BY)


def require_valid(name: str, text: str, filename: str) -> None:
    """Raises Invalid, with lines, unless ``text`` is a policy of that name."""
    if name == organisation.NAME:
        document.parse_floor(text, filename)
        return
    model = name.removeprefix(additions_for(""))
    key, written = ("name", None) if model == name else ("model", document.parse_additions(text, filename).model)
    written = written or document.parse(text, filename).name
    if written != model:
        line = yamlfile.load(text, filename)[1].get(key)
        message = f"is {written!r}, and this policy is called {model!r}"
        raise yamlfile.refuse(filename, [FieldError(key, message, line)])


def _require_above_floor(session: Session, name: str, text: str) -> None:
    """An environment's policy must not claim to loosen the floor. The floor holds even so, where it came later."""
    ours = queries.newest_policy(session, organisation.NAME)
    if ours is None or not is_environment(name):
        return
    floor = document.parse_floor(ours.text)
    if floor is not None:
        form, lines = document.parse(text), yamlfile.load(text, name)[1]
        document.refuse_found(contradictions.against_floor(form, floor), lines, f"{name}.yaml")
