"""A decision as an in-toto Statement (v1) with SLSA's verification summary (v1): written, and read elsewhere. Pure.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/verification_summary
What these have no place for is in the predicate's field ``assay_decision``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.access.chain import Head, sha256
from app.signing.dsse import Keys, NotSigned, opened

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/verification_summary/v1"
PASSED, FAILED = "PASSED", "FAILED"


def statement(body: Mapping[str, Any], inputs: Mapping[str, Any], verifier: str, log: Head) -> dict[str, Any]:
    """What is signed of a decision.

    SLSA knows PASSED and FAILED: whatever is not ``pass`` is FAILED, ``assay_decision.status`` says which.

    Args:
        inputs: all that the decision was derived from, which is bound by its digest.
        verifier: the service's address.
        log: the audit log's head before the decision, which makes every decision a checkpoint.
    """
    name, passed = f"{body['model']}@{body['version']}", body["status"] == "pass"
    level = f"ASSAY_{body['environment']}_{body['stage']}".upper().replace("-", "_")
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": body["artifact_digest"] or inputs["content_digest"]}},
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": verifier},
            "timeVerified": body["decided_at"],
            "resourceUri": f"{verifier}/models/{body['model']}/versions/{body['version']}",
            "policy": {
                "uri": f"{verifier}/api/v1/policies/{body['policy']['name']}?version={body['policy']['version']}",
                "digest": {"sha256": body["policy"]["digest"]},
            },
            "inputAttestations": [
                {"uri": f"{body['evaluation_url']}/replay", "digest": {"sha256": sha256(inputs)}},
            ],
            "verificationResult": PASSED if passed else FAILED,
            "verifiedLevels": [level] if passed else [FAILED],
            "slsaVersion": "1.0",
            "assay_decision": {
                **{key: body[key] for key in ("id", "status", "model", "version", "environment", "stage")},
                "expiresAt": body["expires_at"],
                "statusWithoutWaivers": body["status_without_waivers"],
                "waivers": [waived_in(one) for one in body["conditions"] if one["waived_by"]],
                "content": {"sha256": inputs["content_digest"]},
                "conditions": {"sha256": sha256(body["conditions"])},
                "body": {"sha256": sha256(body)},
                "auditLog": {"sequence": log.sequence, "sha256": log.digest},
            },
        },
    }


def waived_in(condition: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a condition that does not hold and was excused."""
    by = condition["waived_by"]
    who = {"requestedBy": by["requested_by"], "approvedBy": by["approved_by"], "expiresAt": by["expires_at"]}
    return {"condition": condition["name"], "status": condition["status"], "waiver": by["waiver"], **who}


def stored_problem(envelope: Any, keys: Keys, decision_id: int, body: Any, inputs: Any) -> str | None:
    """How a stored decision differs from what was signed; None when it does not."""
    if envelope is None:
        return "is not signed"
    try:
        predicate = opened(envelope, PAYLOAD_TYPE, keys)["predicate"]
    except NotSigned as error:
        return f"is not what was signed: {error}"
    told = predicate["assay_decision"]
    signed = (told["id"], told["body"]["sha256"], predicate["inputAttestations"][0]["digest"]["sha256"])
    if signed != (decision_id, sha256(body), sha256(inputs)):
        return "is not what was signed: it was changed in the database"
    return None


def problems(
    signed: Mapping[str, Any], artifact_digest: str | None, environment: str | None, now: datetime
) -> Iterator[str]:
    """Why a signed statement does not let this artifact into that environment now; None: not asked."""
    if (signed.get("_type"), signed.get("predicateType")) != (STATEMENT, PREDICATE):
        yield "it is no verification summary"
        return
    predicate = signed["predicate"]
    told = predicate["assay_decision"]
    if predicate["verificationResult"] != PASSED:
        yield f"the decision is {told['status']}, not pass"
    digests = [one["digest"]["sha256"] for one in signed["subject"]]
    if artifact_digest is not None and artifact_digest not in digests:
        yield f"it is about another artifact ({', '.join(digests)}); this one is {artifact_digest}"
    if environment is not None and told["environment"] != environment:
        yield f"it is for {told['environment']}, not for {environment}"
    if datetime.fromisoformat(told["expiresAt"]) <= now:
        yield f"it expired at {told['expiresAt']}"
