"""Personal data: what a scan of the training data found, whose must be gone, who may read it."""

from __future__ import annotations

import hashlib

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from app.evidence.kinds import EvidenceKind
from checks.contract import Missing
from checks.evidence import Declaration, TrainingData
from checks.personal import AccessList, DeletedIds, Forgotten, PersonalDataScan


def _scan(source: Source, _attempt: Attempt) -> Provided:
    from app.engines.pii import scan

    train = source.get(TrainingData)
    return Provided(scan(train.value.frame, source.get(Declaration).value), train.inputs)


def _deleted_ids(_source: Source, attempt: Attempt) -> Provided:
    kind: EvidenceKind = "deleted-ids"
    hashes, file = newest(attempt, kind, "a list of deleted ids", "one id or its SHA-256 a line")
    return Provided(DeletedIds(file.digest, file.cap, hashes), {kind: file.digest}, file.cap)


def _forgotten(_source: Source, attempt: Attempt) -> Provided:
    facts = attempt.forgotten
    if facts is None:
        raise Missing("people whom Assay has forgotten", "nobody was: assay predictions forget")
    digest = hashlib.sha256("\n".join(facts.digests).encode()).hexdigest()
    return Provided(Forgotten(bytes.fromhex(facts.key), frozenset(facts.digests)), {"forgotten": digest})


def _access_list(_source: Source, attempt: Attempt) -> Provided:
    kind: EvidenceKind = "access-list"
    layers, file = newest(attempt, kind, "an access list", "JSON: principals of raw, features, training")
    return Provided(AccessList(file.digest, file.cap, layers), {kind: file.digest}, file.cap)


PROVIDERS: Providers = {
    PersonalDataScan: _scan,
    DeletedIds: _deleted_ids,
    Forgotten: _forgotten,
    AccessList: _access_list,
}
