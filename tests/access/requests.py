"""A request to every route that its handler would carry out, about the things of one team."""

from __future__ import annotations

import hashlib
import re
from typing import Any

NOW = "2026-01-01T00:00:00Z"
COMMIT = "3f2a91c0d4e5f60718293a4b5c6d7e8f90123456"
SENT = {"headers": {"Content-Type": "application/octet-stream"}}
INPUT = {"inputs": [{"name": "mean radius", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
TRIED = "assay_policy: 1\nname: production\nstages:\n  admit: {must_pass: [DATA-1]}\n"
V = "1.0.0"


def content_of(team: str) -> bytes:
    return f'<testsuite name="{team}"><testcase name="a"/></testsuite>'.encode()


def digest_of(team: str) -> str:
    return hashlib.sha256(content_of(team)).hexdigest()


def pipeline_of(team: str) -> dict[str, Any]:
    owner = f"{team}-team@example.com"
    stages = [{"name": "train", "role": "training"}]
    return {
        "name": f"{team}-pipeline",
        "owner": owner,
        "models": [f"{team}-model"],
        "repository": f"{team}/repo",
        "stages": stages,
        "experiment": {"metric": "auc"},
    }


def run_of(team: str, number: int) -> dict[str, Any]:
    of = {"kind": "pipeline_run", "id": f"{team}-{number}", "at": NOW, "run": f"{team}-run{number}"}
    return of | {"pipeline": f"{team}-pipeline", "state": "succeeded", "metrics": {"auc": 0.5 + number / 10}}


def commit_of(team: str) -> dict[str, Any]:
    of = {"kind": "commit", "id": f"{team}-c", "at": NOW, "repository": f"{team}/repo", "commit": COMMIT}
    return of | {"branch": "main", "author": f"{team}-ada"}


def dependencies_of(team: str) -> dict[str, Any]:
    one = {"name": f"{team}-lock", "kind": "lock_file", "fingerprint": f"{team}-1"}
    return {"model": f"{team}-model", "environment": "production", "fingerprints": [one]}


ACCEPTANCE = {"test_id": "DATA-2", "subject": "mean radius", "reason": "It goes with the next schema."}
WAIVER = {"condition": "must_pass.DATA-4", "environment": "production", "reason": "It goes soon."}
ISSUE = {"title": "x", "description": "y", "severity": "low"}
ENDPOINT = {"name": "new", "url": "https://127.0.0.1/health", "environment": "production"}
CLAIM = {"person": "Ada", "what": "Read it.", "result": "pass", "test_id": "MODEL-1"}
CLAIM |= {"link": "https://forge.example.com/1", "recipients": ["risk@example.com"]}


def policy_of(team: str) -> str:
    return f"assay_policy: 1\nmodel: {team}-model\nstages:\n  admit: {{must_pass: [MODEL-7]}}\n"


def _of_version(t: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"json": {"model": t["model"], "version": V, "environment": "production", **more}}


def _body(**body: Any) -> Any:
    return lambda _: {"json": body}


def _asked(*names: str, **more: Any) -> Any:
    return lambda t: {"params": {name: t[name] for name in names} | more}


def _trainer(_: dict[str, Any]) -> dict[str, Any]:
    target = {"kind": "webhook", "url": "https://127.0.0.1/train"}
    return {"json": {"target": target, "causes": ["on_demand"], "dry_run": True}}


def _file(text: str, **params: Any) -> Any:
    return lambda t: {"content": text.encode(), "params": {"model": t["model"], **params}, **SENT}


def _registration(t: dict[str, Any]) -> dict[str, Any]:
    return {"json": t["registration"]}


def _runs(t: dict[str, Any]) -> dict[str, Any]:
    return {"params": {"one": f"{t['who']}-run1", "other": f"{t['who']}-run2"}}


def _subscription(t: dict[str, Any]) -> dict[str, Any]:
    of = {"name": f"new of {t['who']}", "channel": "webhook", "target": "https://127.0.0.1/hook"}
    return {"json": of | {"model": t["model"]}}


REQUESTS: dict[str, Any] = {
    "PUT /api/v1/blobs/{digest}": lambda t: {"content": content_of(t["who"])},
    "POST /api/v1/registrations": _registration,
    "PUT /api/v1/pipelines/{pipeline}": lambda t: {"json": pipeline_of(t["who"])},
    "POST /api/v1/models/{model}/versions/{version}/evidence": lambda t: {
        "json": {"kind": "junit", "digest": t["digest"], "filename": "a.xml"}
    },
    "POST /api/v1/models/{model}/versions/{version}/attestations": _body(**CLAIM),
    "POST /api/v1/audits": lambda t: _of_version(t, checks=["DATA-1"]),
    "PUT /api/v1/schedules": lambda t: {"json": {"model": t["model"], "cron": "0 7 * * *"}},
    "PATCH /api/v1/schedules/{schedule_id}": _body(cron="0 8 * * *"),
    "POST /api/v1/gate/evaluations": _of_version,
    "GET /api/v1/policies/{environment}/effective": _asked("model"),
    "PUT /api/v1/policies/{name}": _body(text="assay_policy: 1"),
    "PUT /api/v1/models/{model}/policy": lambda t: {"json": {"text": policy_of(t["who"])}},
    "POST /api/v1/models/{model}/acceptances": _body(**ACCEPTANCE),
    "POST /api/v1/models/{model}/waivers": _body(**WAIVER),
    "POST /api/v1/models/{model}/versions/{version}/approvals": _body(environment="production", comment="x"),
    "POST /api/v1/approvals/{approval_id}/revocation": _body(reason="x"),
    "POST /api/v1/waivers/{waiver_id}/revocation": _body(reason="x"),
    "POST /api/v1/acceptances/{acceptance_id}/revocation": _body(reason="x"),
    "POST /api/v1/policy-comparisons": lambda t: {
        "json": {
            "before": {"policy": "production", "stage": "admit", "risk_tier": "low"},
            "after": {"policy": "production", "stage": "admit", "model": t["model"]},
        }
    },
    "POST /api/v1/policy-trials": _body(policies=[{"filename": "production.yaml", "text": TRIED}]),
    "POST /api/v1/models/{model}/issues": _body(**ISSUE),
    "PATCH /api/v1/issues/{issue_id}": _body(plan="Do it."),
    "POST /api/v1/issues/{issue_id}/resolution": lambda t: {
        "json": {"evidence": f"finding/{t['finding_id']}", "comment": "x"}
    },
    "POST /api/v1/issues/{issue_id}/closure": _body(comment="x"),
    "POST /api/v1/issues/{issue_id}/reopening": _body(reason="x"),
    "POST /api/v1/models/{model}/validations": _body(outcome="approved", link="https://a.example.com/r"),
    "POST /api/v1/models/{model}/retirement": _body(reason="x"),
    "POST /api/v1/models/{model}/retirement/undoing": _body(reason="x"),
    "POST /api/v1/predictions": _file(
        '{"id": "p9", "at": "2026-01-01T00:00:00Z", "mean radius": 1, "mean texture": 1, "y_pred": 1}',
        version=V,
        environment="production",
        filename="log.jsonl",
        time_column="at",
    ),
    "POST /api/v1/predictions/disclosures": lambda t: {
        "json": {"model": t["model"], "prediction": t["prediction_id"], "reason": "x"}
    },
    "POST /api/v1/predictions/deletions": lambda t: {
        "json": {"model": t["model"], "prediction": t["prediction_id"], "reason": "x"}
    },
    "POST /api/v1/labels": lambda t: {"json": {"model": t["model"], "labels": [{"id": "p9", "label": 1}]}},
    "POST /api/v1/labels/file": _file('{"id": "p8", "malignant": 1}', filename="labels.jsonl"),
    "GET /api/v1/traffic": _asked("model", environment="production"),
    "POST /api/v1/deployments": lambda t: _of_version(t, reason="x", decision_id=t["decision_id"]),
    "POST /api/v1/deployments/rollback": lambda t: {
        "json": {"model": t["model"], "environment": "production", "reason": "x"}
    },
    "POST /api/v1/deployments/drills": lambda t: {"json": {"model": t["model"], "environment": "production"}},
    "GET /api/v1/deployments/drills": _asked("model"),
    "POST /api/v1/deployments/{deployment_id}/stop": _body(reason="x"),
    "POST /api/v1/deployments/{deployment_id}/review": _body(outcome="justified", note="x"),
    "POST /api/v1/gate/evaluations/{decision_id}/consume": _body(reason="x"),
    "POST /api/v1/ledger/events": lambda t: {"json": {"events": [run_of(t["who"], 3)]}},
    "GET /api/v1/pipelines/{pipeline}/experiments/diff": _runs,
    "PUT /api/v1/pipelines/{pipeline}/trainer": _trainer,
    "POST /api/v1/pipelines/{pipeline}/training-requests": lambda t: {
        "json": {"cause": "on_demand", "model": t["model"], "environment": "production", "reason": "x"}
    },
    "POST /api/v1/connections": _body(name="new", kind="github", repositories=["bank/credit"]),
    "POST /api/v1/connections/{name}/rotate": _body(overlap_hours=1),
    "POST /api/v1/dependencies": lambda t: {"json": dependencies_of(t["who"])},
    "POST /api/v1/models/{model}/endpoints": _body(**ENDPOINT),
    "POST /api/v1/alerts/{alert_id}/acknowledge": _body(note="x"),
    "POST /api/v1/subscriptions": _subscription,
    "POST /api/v1/tokens": _body(name="new", role="viewer"),
    "POST /api/v1/tokens/{token_id}/rotation": _body(overlap_hours=1),
    "POST /account/tokens": lambda _: {"data": {"days": "1"}},
    "POST /api/v1/teams": _body(name="new-team"),
    "PUT /api/v1/teams/{team}/members": _body(name="ada", role="viewer"),
    "DELETE /api/v1/teams/{team}/members": lambda _: {"params": {"name": "ada"}},
    "PUT /api/v1/teams/{team}/grants": _body(model="zeta-model", role="viewer"),
    "DELETE /api/v1/teams/{team}/grants": lambda _: {"params": {"model": "zeta-model"}},
    "PUT /api/v1/models/{model}/team": _body(team="alpha-team@example.com"),
    "PUT /api/v1/pipelines/{pipeline}/team": _body(team="alpha-team@example.com"),
    "POST /sign-in": lambda _: {"data": {"code": "asy_none"}},
    **{
        f"POST {prefix}/v2/models/{{model}}{version}/infer": _body(**INPUT)
        for prefix in ("", "/environments/{environment}")
        for version in ("", "/versions/{version}")
    },
}
"""What is sent beside the path; nothing where a route is not here."""

OTHER_NAMES = {
    "POST /api/v1/audits/{audit_id}/cancel": {"audit_id": "queued_id"},
    "POST /api/v1/audits/{audit_id}/retry": {"audit_id": "failed_id"},
}
"""Where a parameter of the path takes something else than the usual thing of that name."""


def path_of(key: str, template: str, things: dict[str, Any]) -> str:
    names = OTHER_NAMES.get(key, {})
    return re.sub(r"\{(\w+)\}", lambda one: str(things[names.get(one[1], one[1])]), template)
