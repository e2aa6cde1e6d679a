"""What the client returns where more than a plain dictionary helps. The whole is in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class PolicyRef(TypedDict):
    """The version of a policy that a decision was made by."""

    name: str
    version: int
    digest: str


class Condition(TypedDict):
    """One condition of a policy and how it came out; ``remedy`` is "" where nothing is to be done.

    ``origin`` names who asks for it. One that is not ``enforced`` yet is reported and denies nothing.
    """

    name: str
    metric: str
    comparator: str
    threshold: Any
    actual: Any
    status: str
    reason: str
    remedy: str
    origin: NotRequired[str]
    enforced: NotRequired[bool]
    waived_by: NotRequired[dict[str, Any] | None]


class Decision(TypedDict):
    """The gate's answer. Only ``pass`` means yes. Times are ISO 8601 in UTC.

    A service that is newer than the client may give more keys.
    """

    id: int | None
    status: Literal["pass", "fail", "unknown", "in_progress"]
    status_without_waivers: NotRequired[str | None]
    model: str
    version: str
    artifact_digest: str | None
    environment: str
    stage: str
    policy: PolicyRef
    score: float | None
    section_scores: dict[str, float]
    conditions: list[Condition]
    expires_at: str | None
    decided_at: str | None
    evaluation_url: str | None
    audit_id: int | None
    dry_run: bool
    rubric_version: str
