"""The gate and its policies over HTTP."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ValidationError
from sqlmodel import Session

from app.access.idempotency import once, remember
from app.catalog.queries import find_model, find_version
from app.deps import (
    CanGate,
    CanRead,
    CanWritePolicy,
    Config,
    Db,
    IdempotencyKeyHeader,
    ReadSession,
    RowId,
    WriteSession,
)
from app.errors import FieldError, Invalid
from app.gate import policies, queries, service
from app.gate.effective import effective
from app.gate.schemas import DecisionOut, EffectiveOut, EnvelopeOut, EvaluationIn, PolicyIn, PolicyOut, ReplayOut
from app.gate.terms import Status
from app.http.problems import problems
from app.paging import Cursor, Page, paginate
from app.tables import Decision, Policy
from app.validation import explain

router = APIRouter()

RETRY_SECONDS = "2"
YAML_TYPES = ("text/yaml", "application/yaml", "application/x-yaml", "text/x-yaml", "text/plain")
ModelName = Annotated[str, Path(max_length=100, examples=["credit-default"])]
RiskTier = Literal["low", "medium", "high"]
PolicyName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100, examples=["production"])]


# --- decisions ----------------------------------------------------------------------------------


@router.post(
    "/gate/evaluations",
    tags=["gate"],
    summary="May this version go to that environment?",
    response_model=DecisionOut,
    responses={202: {"model": DecisionOut, "description": "An audit runs first; ask again under Location."}},
)
def evaluate(
    request: EvaluationIn,
    database: Db,
    config: Config,
    identity: CanGate,
    key: IdempotencyKeyHeader = None,
) -> Response:
    """Decides from stored evidence. Where checks that the policy needs have not run, or not lately, and the token
    may audit, an audit runs first: 202, and the decision follows by itself. Everything that is not shown to pass
    is `fail` or `unknown`.
    """
    with database.write() as session:
        known = once(session, identity, key, request)
        if known is not None:
            row = service.find_decision(session, known)
        else:
            row = service.evaluate(session, request, identity, config)
            if not request.dry_run:
                remember(session, identity, key, request, row.id)
    return _answer(row)


def _answer(row: Decision) -> Response:
    """Written here: in FastAPI's hands a decision that is ready would be checked and copied once more."""
    headers = {}
    if row.status == Status.IN_PROGRESS.value:
        headers["Retry-After"] = RETRY_SECONDS
    if not row.body["dry_run"]:
        headers["Location"] = f"/api/v1/gate/evaluations/{row.id}"
    content = DecisionOut.model_validate(row.body).model_dump_json()
    return Response(content, 202 if "Retry-After" in headers else 200, headers, "application/json")


@router.get("/gate/evaluations", tags=["gate"], summary="Decisions, newest first")
def list_decisions(
    session: ReadSession,
    cursor: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    version: Annotated[str | None, Query(max_length=100, description="Needs `model`.")] = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[DecisionOut]:
    query = queries.decisions(*_ids(session, model, version), environment)
    rows, next_cursor = paginate(session, query, Decision.id, cursor)
    return Page(items=[DecisionOut.model_validate(row.body) for row in rows], next_cursor=next_cursor)


def _ids(session: Session, model: str | None, version: str | None) -> tuple[int | None, int | None]:
    if version is not None and model is None:
        raise Invalid("version needs model", [FieldError("query.version", "name the model as well")])
    if model is None:
        return None, None
    if version is None:
        return find_model(session, model).id, None
    found, wanted = find_version(session, model, version)
    return found.id, wanted.id


@router.get("/gate/evaluations/{decision_id}", tags=["gate"], summary="One decision")
def show_decision(decision_id: RowId, session: ReadSession, _: CanRead) -> DecisionOut:
    return DecisionOut.model_validate(service.find_decision(session, decision_id).body)


@router.get("/gate/evaluations/{decision_id}/replay", tags=["gate"], summary="Derive a decision anew")
def replay_decision(decision_id: RowId, session: ReadSession, _: CanRead) -> ReplayOut:
    """From the inputs that were stored with it, whatever evidence and policies came later."""
    body, differing = service.replay(service.find_decision(session, decision_id))
    return ReplayOut(
        id=decision_id, same=not differing, differing=differing, replayed=DecisionOut.model_validate(body)
    )


@router.get(
    "/gate/evaluations/{decision_id}/envelope",
    tags=["gate"],
    summary="A decision, signed",
    responses=problems(404, 409),
)
def show_envelope(decision_id: RowId, session: ReadSession, _: CanRead) -> EnvelopeOut:
    """DSSE with an in-toto Statement in it, which `assay decision verify` and others check without a service."""
    return EnvelopeOut.model_validate(service.find_envelope(session, decision_id))


# --- policies -----------------------------------------------------------------------------------


async def _policy_text(request: Request) -> str:
    """The policy in the body: YAML as such, or JSON ``{"text": "..."}``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {*YAML_TYPES, "application/json"}:
        accepted = f'send text/yaml, or application/json with {{"text": "..."}}; this is {kind or "without a type"}'
        raise Invalid(accepted, [FieldError("header.Content-Type", accepted)])
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 (byte {error.start})"
        raise Invalid(message, [FieldError("body", message)]) from None
    return text if kind in YAML_TYPES else _text_in_json(text)


def _text_in_json(body: str) -> str:
    try:
        return PolicyIn.model_validate(json.loads(body)).text
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise Invalid("The request is not valid.", explain(error, PolicyIn)) from None
        raise Invalid("the body is not JSON", [FieldError("body", "not JSON")]) from None


PolicyText = Annotated[str, Depends(_policy_text)]
POLICY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": PolicyIn.model_json_schema()},
        },
    }
}


@router.get("/policies", tags=["gate"], summary="The newest version of every policy")
def list_policies(session: ReadSession, _: CanRead) -> list[PolicyOut]:
    return [_policy_out(row) for row in queries.newest_policies(session)]


@router.get("/policies/{name}", tags=["gate"], summary="A policy")
def show_policy(
    name: PolicyName,
    session: ReadSession,
    _: CanRead,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Default: the newest.")] = None,
) -> PolicyOut:
    return _policy_out(policies.find_policy(session, name, version))


@router.get("/policies/{environment}/effective", tags=["gate"], summary="All that binds a model, and who asks it")
def show_effective(
    environment: PolicyName,
    session: ReadSession,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    stage: Annotated[str, Query(max_length=20)] = "admit",
    risk_tier: Annotated[RiskTier, Query(description="Where no model is named.")] = "medium",
) -> EffectiveOut:
    """The organisation's floor, the environment's policy and the additions for the model, put together."""
    return effective(session, environment, stage, model, risk_tier)


@router.get("/policies/{name}/versions", tags=["gate"], summary="A policy's versions, newest first")
def list_versions(name: PolicyName, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[PolicyOut]:
    policies.find_policy(session, name)
    rows, next_cursor = paginate(session, queries.policy_versions(name), Policy.id, cursor)
    return Page(items=[_policy_out(row) for row in rows], next_cursor=next_cursor)


@router.put(
    "/policies/{name}",
    tags=["gate"],
    summary="Write a policy",
    openapi_extra=POLICY_BODY,
    responses={201: {"model": PolicyOut, "description": "A new version."}},
)
def write_policy(
    name: PolicyName, text: PolicyText, response: Response, session: WriteSession, identity: CanWritePolicy
) -> PolicyOut:
    """Stores a new version (201); the newest version's own text again changes nothing (200). A policy that is not
    valid, or would let everything pass, is refused with the line of every mistake (422).
    """
    row, created = policies.write_policy(session, name, text, identity.name)
    response.status_code = 201 if created else 200
    return _policy_out(row)


@router.get("/models/{model}/policy", tags=["gate"], summary="What is asked of one model in addition")
def show_additions(model: ModelName, session: ReadSession, _: CanRead) -> PolicyOut:
    return _policy_out(policies.find_policy(session, policies.additions_for(find_model(session, model).name)))


@router.put(
    "/models/{model}/policy",
    tags=["gate"],
    summary="Ask more of one model",
    openapi_extra=POLICY_BODY,
    responses={201: {"model": PolicyOut, "description": "A new version."}},
)
def write_additions(
    model: ModelName, text: PolicyText, response: Response, session: WriteSession, identity: CanWritePolicy
) -> PolicyOut:
    """Stores a new version (201); the newest version's own text again changes nothing (200). It can only add to
    what the environments ask.
    """
    name = policies.additions_for(find_model(session, model).name)
    row, created = policies.write_policy(session, name, text, identity.name)
    response.status_code = 201 if created else 200
    return _policy_out(row)


def _policy_out(row: Policy) -> PolicyOut:
    return PolicyOut.model_validate(row, from_attributes=True)
