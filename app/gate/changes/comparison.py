"""Two policies compared: as they are written, or as they bind at a stage. Keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session

from app.catalog import organisation
from app.catalog.queries import find_model
from app.errors import FieldError, Invalid
from app.gate import policies
from app.gate.changes import candidates
from app.gate.changes.compared import LISTED, Asked, Change, asked, changes, term_changes, terms
from app.gate.changes.doubts import Form
from app.gate.changes.schemas import (
    AskedOut,
    ChangeOut,
    ComparisonIn,
    ComparisonOut,
    PlaceOut,
    PolicyFile,
    RefusalOut,
    SideIn,
)
from app.gate.contradictions import RISK_TIERS
from app.gate.in_force import PolicyText
from app.gate.terms import Clause
from app.gate.written import STAGES, PolicyForm

Place = tuple[str, str]
"""Stage and risk tier."""
EVERYWHERE: Place = ("", "")


@dataclass(frozen=True)
class Side:
    """``clauses`` by place; ``terms``: what is said beside conditions."""

    title: str
    clauses: Mapping[Place, Iterable[Clause]]
    terms: Mapping[str, Any]


def compared(session: Session, given: ComparisonIn) -> ComparisonOut:
    """Raises NotFound: no such policy, version or model. Invalid: a file that is no valid policy; nothing named."""
    if (given.before.stage is None) != (given.after.stage is None):
        raise _wrong("before.stage", "give a stage on both sides or on neither")
    name = _name(given.after)
    before, after = _before(session, given, name), _side(session, given.after, name)
    return ComparisonOut(
        before=before.title,
        after=after.title,
        changes=[*_shown(_by_place(before, after)), *_shown(_in_terms(before, after))],
        refused=_refused(session, given.after.file),
    )


def _before(session: Session, given: ComparisonIn, name: str) -> Side:
    """Where nothing is named: for a file what is in force, if anything is; for a version the one before it."""
    side = given.before
    if side.policy or side.file:
        return _side(session, side, _name(side))
    if side.version or side.stage:
        return _side(session, side, name)
    if given.after.file:
        return _side(session, side, name) if policies.newest_text(session, name) else Side("nothing", {}, {})
    earlier = policies.find_policy(session, name, given.after.version).version - 1
    if earlier == 0:
        raise _wrong("before.version", f"version 1 of {name} is its first: there is none to compare it with")
    return _side(session, SideIn(version=earlier), name)


def _name(side: SideIn) -> str:
    if side.policy is not None:
        return side.policy
    if side.file is None:
        raise _wrong("after.policy", "name a policy or give a file")
    return candidates.name_of(side.file)


def _side(session: Session, side: SideIn, name: str) -> Side:
    if side.stage is not None:
        return _effective(session, side, name)
    if side.file is not None:
        policies.require_valid(name, side.file.text, side.file.filename)
        return _written(candidates.numbered(session, name, side.file.text), side.file.filename)
    text = policies.text_of(policies.find_policy(session, name, side.version))
    return _written(text, text.title)


def _written(text: PolicyText, title: str) -> Side:
    """The policy alone, at every stage and for every risk tier."""
    form = candidates.form_of(text.name, text.text, text.title)
    places: list[Place] = [(stage, tier) for stage in STAGES for tier in RISK_TIERS]
    clauses = {place: _clauses(form, *place, text.origin) for place in places}
    return Side(title, clauses, terms(form) | (_bans(text) if text.name == organisation.NAME else {}))


def _clauses(form: Form | None, stage: str, tier: str, origin: str) -> tuple[Clause, ...]:
    if form is None:
        return ()
    if isinstance(form, PolicyForm):
        return form.clauses(stage, tier, origin) if stage in form.stage_forms else ()
    return form.stages.clauses(stage, tier, origin)


def _bans(text: PolicyText) -> dict[str, Any]:
    """What the organisation bans and demands, entry by entry."""
    ours = organisation.parse(text.text, text.title)
    found = {f"{key}.{entry}": True for key in LISTED[:-1] for entry in getattr(ours, key)}
    return found | {f"slices.{one.name}": one.where for one in ours.slices}


def _effective(session: Session, side: SideIn, environment: str) -> Side:
    tier = find_model(session, side.model).risk_tier if side.model else side.risk_tier
    binding = policies.in_force(session, environment, side.model or "")
    policies.require_stage(binding, str(side.stage))
    layers = binding.layers(str(side.stage), tier)
    about = f"{side.model}, risk tier {tier}" if side.model else f"risk tier {tier}"
    clauses = {EVERYWHERE: [clause for layer in layers for clause in layer.clauses]}
    return Side(f"{environment}/{side.stage} for {about}", clauses, terms(binding.form))


# --- the answer -------------------------------------------------------------------------------------


def _by_place(before: Side, after: Side) -> Iterator[tuple[Change, Place]]:
    for place in after.clauses:
        found = changes(asked(before.clauses.get(place, ())), asked(after.clauses[place]))
        yield from ((change, place) for change in found)


def _in_terms(before: Side, after: Side) -> Iterator[tuple[Change, Place]]:
    yield from ((change, EVERYWHERE) for change in term_changes(before.terms, after.terms))


def _shown(found: Iterable[tuple[Change, Place]]) -> list[ChangeOut]:
    """Each change once, with all the places where it is the same."""
    places: dict[str, tuple[Change, list[Place]]] = {}
    for change, place in found:
        places.setdefault(repr(change), (change, []))[1].append(place)
    return [
        ChangeOut(
            subject=change.subject,
            change=change.kind,
            before=_told(change.before),
            after=_told(change.after),
            places=[PlaceOut(stage=stage, risk_tier=tier) for stage, tier in where if stage],
        )
        for change, where in places.values()
    ]


def _told(steps: Iterable[Asked]) -> list[AskedOut]:
    return [AskedOut(**asdict(one)) for one in steps]


def _refused(session: Session, file: PolicyFile | None) -> list[RefusalOut]:
    ours = policies.newest_text(session, organisation.NAME)
    found = candidates.loosening(file, ours) if file else []
    return [RefusalOut(path=one.path, message=one.message, line=one.line) for one in found]


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(path, message)])
