"""Personal data: what a scan of the training data found, whose must be gone, who may read it."""

from __future__ import annotations

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from app.evidence.kinds import EvidenceKind
from checks.evidence import Declaration, TrainingData
from checks.personal import AccessList, DeletedIds, PersonalDataScan


def _scan(source: Source, _attempt: Attempt) -> Provided:
    from app.engines.pii import scan

    train = source.get(TrainingData)
    return Provided(scan(train.value.frame, source.get(Declaration).value), train.inputs)


def _deleted_ids(_source: Source, attempt: Attempt) -> Provided:
    kind: EvidenceKind = "deleted-ids"
    hashes, file = newest(attempt, kind, "a list of deleted ids", "one id or its SHA-256 a line")
    return Provided(DeletedIds(file.digest, file.cap, hashes), {kind: file.digest}, file.cap)


def _access_list(_source: Source, attempt: Attempt) -> Provided:
    kind: EvidenceKind = "access-list"
    layers, file = newest(attempt, kind, "an access list", "JSON: principals of raw, features, training")
    return Provided(AccessList(file.digest, file.cap, layers), {kind: file.digest}, file.cap)


PROVIDERS: Providers = {PersonalDataScan: _scan, DeletedIds: _deleted_ids, AccessList: _access_list}
