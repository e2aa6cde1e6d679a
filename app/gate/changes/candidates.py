"""Policies that nobody has stored yet, read as ``write_policy`` would, and put in the place of those that bind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.catalog import organisation, yamlfile
from app.errors import FieldError, Invalid
from app.gate import contradictions, document, policies, queries
from app.gate.changes import doubts
from app.gate.changes.doubts import Form
from app.gate.changes.schemas import PolicyFile
from app.gate.in_force import InForce, PolicyText


@dataclass(frozen=True)
class Candidates:
    """By the name under which each would be stored."""

    texts: dict[str, PolicyText]

    @property
    def organisation(self) -> PolicyText | None:
        return self.texts.get(organisation.NAME)

    @property
    def environments(self) -> list[str]:
        return [name for name in self.texts if policies.is_environment(name)]

    @property
    def models(self) -> list[str]:
        prefix = policies.additions_for("")
        return [name.removeprefix(prefix) for name in self.texts if name.startswith(prefix)]

    def instead(self, binding: InForce, model: str) -> InForce:
        """What would bind a decision on ``model`` that ``binding`` binds."""
        ours = self.organisation
        floor = (ours if policies.has_floor(ours) else None) if ours else binding.floor
        additions = self.texts.get(policies.additions_for(model), binding.additions)
        policy = self.texts.get(binding.policy.name, binding.policy)
        return InForce(policy=policy, floor=floor, additions=additions)


def read(session: Session, files: Sequence[PolicyFile]) -> Candidates:
    """Each is numbered as the version that it would be.

    Raises:
        Invalid: one is not a valid policy, loosens the organisation's floor (that among the files, else that in
            force), or two have the same name; with file and line.
    """
    texts: dict[str, PolicyText] = {}
    for file in files:
        name = name_of(file)
        if name in texts:
            raise Invalid(f"{file.filename}: there is another policy of {name!r} among the files")
        policies.require_valid(name, file.text, file.filename)
        texts[name] = numbered(session, name, file.text)
    candidates = Candidates(texts)
    ours = candidates.organisation or policies.newest_text(session, organisation.NAME)
    for file in files:
        errors = loosening(file, ours)
        if errors:
            raise yamlfile.refuse(file.filename, errors)
    return candidates


def name_of(file: PolicyFile) -> str:
    """Raises Invalid where the text names neither an environment nor a model."""
    data, _ = yamlfile.load(file.text, file.filename)
    if isinstance(model := data.get("model"), str):
        return policies.additions_for(model)
    if isinstance(name := data.get("name"), str):
        return name
    message = "names neither an environment (name) nor a model (model)"
    raise yamlfile.refuse(file.filename, [FieldError("name", message, 1)])


def form_of(name: str, text: str, filename: str) -> Form | None:
    """The policy as it is read; None of the organisation's without a floor. Raises Invalid."""
    if name == organisation.NAME:
        return document.parse_floor(text, filename)
    if policies.is_environment(name):
        return document.parse(text, filename)
    return document.parse_additions(text, filename)


def doubts_of(file: PolicyFile) -> list[FieldError]:
    """What is valid in it and surely not meant."""
    form = form_of(name_of(file), file.text, file.filename)
    return [] if form is None else document.placed(doubts.of(form), yamlfile.load(file.text, file.filename)[1])


def loosening(file: PolicyFile, ours: PolicyText | None) -> list[FieldError]:
    """For what an environment's policy would be refused under the organisation's ``ours``."""
    floor = document.parse_floor(ours.text, ours.title) if ours else None
    if floor is None or not policies.is_environment(name_of(file)):
        return []
    lines = yamlfile.load(file.text, file.filename)[1]
    found = contradictions.against_floor(document.parse(file.text, file.filename), floor)
    return document.placed(found, lines)


def numbered(session: Session, name: str, text: str) -> PolicyText:
    """As the version that it would be."""
    newest = queries.newest_policy(session, name)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if newest is not None and newest.digest == digest:
        return policies.text_of(newest)
    version = newest.version + 1 if newest else 1
    return PolicyText(name=name, version=version, digest=digest, text=text)
