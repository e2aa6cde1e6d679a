"""Teams that have one of everything, each under names that begin with its own."""

from __future__ import annotations

from typing import Any

import pandas as pd
from fastapi.testclient import TestClient

from app.access.service import create_token
from app.access.team_queries import find_team
from app.access.teams import Target, add, create, grant
from app.catalog.queries import find_version
from app.db import Database, utcnow
from app.tables import (
    Alert,
    AlertDelivery,
    Approval,
    Endpoint,
    Measurement,
    Prediction,
    PredictionBatch,
    Probe,
    ReceivedMessage,
    RequestCount,
    RollbackDrill,
    ScheduleSlot,
    Subscription,
    ToolConnection,
    Trainer,
    TrainingRequest,
    VerdictState,
)
from tests.catalog.releases import predictions_only, register, upload
from tests.scorecards import stored

from .requests import (
    ACCEPTANCE,
    ISSUE,
    WAIVER,
    commit_of,
    content_of,
    dependencies_of,
    digest_of,
    pipeline_of,
    policy_of,
    run_of,
)

Things = dict[str, Any]
"""Names and ids of what a team has, by the parameter of a path that takes it."""

OWN, FOREIGN, GRANTED = "alpha", "zeta", "gamma"


def plant(app: Any, database: Database, folder: Any) -> dict[str, Things]:
    """Three teams and what they have; the first may view all that the third has."""
    with database.write() as session:
        for name in (OWN, FOREIGN, GRANTED):
            create(session, f"{name}-team@example.com", "tests")
        grant(session, f"{OWN}-team@example.com", Target(team=f"{GRANTED}-team@example.com"), "viewer", "tests")
        made = {"name": "planter", "role": "admin", "created_by": "tests"}
        _, admin = create_token(session, **made)
        _, other = create_token(session, **made | {"name": "other planter"}, scopes=["accept", "gate"])
    with TestClient(app, headers={"Authorization": f"Bearer {admin}"}) as client:
        found = {
            name: _furnish(client, {"Authorization": f"Bearer {other}"}, database, folder, name)
            for name in (OWN, FOREIGN, GRANTED)
        }
    with database.write() as session:
        _connection(session)
    return found


def token_of(database: Database, role: str, name: str | None = None) -> str:
    """Of somebody with that role in the first team; an administrator is in none."""
    name = name or f"test-{role}"
    with database.write() as session:
        if role != "admin":
            add(session, f"{OWN}-team@example.com", name, role, "tests")
        return create_token(session, name=name, role=role, bound=role != "admin", created_by="tests")[1]


def _furnish(client: TestClient, other: dict[str, str], database: Database, folder: Any, team: str) -> Things:
    model, pipeline, owner = f"{team}-model", f"{team}-pipeline", f"{team}-team@example.com"
    ok(client.put(f"/api/v1/pipelines/{pipeline}", json=pipeline_of(team)))
    made, files = predictions_only(
        folder, model__name=model, model__owner=owner, version__pipeline={"name": pipeline, "run": f"{team}-run"}
    )
    for path in files.values():  # other rows: another data set
        pd.read_parquet(path).iloc[ord(team[0]) - 96 :].to_parquet(path)
    ok(register(client, made, files))
    uploaded = {part: upload(client, path) for part, path in files.items()}
    things = {"registration": {"manifest": made, "files": uploaded}, "name": "production", "test_id": "DATA-1"}
    things |= {"model": model, "pipeline": pipeline, "version": "1.0.0", "team": owner, "who": team}
    deployed = {"version": "1.0.0", "environment": "production", "reason": f"{team} says so", "break_glass": True}
    for path, body in {
        f"models/{model}/issues": ISSUE | {"title": f"{team} issue"},
        f"models/{model}/acceptances": ACCEPTANCE | {"reason": f"{team} asks"},
        f"models/{model}/waivers": WAIVER | {"reason": f"{team} asks"},
        "labels": {"model": model, "labels": [{"id": f"{team}-p1", "label": 1}]},
        "dependencies": dependencies_of(team),
        "ledger/events": {"events": [run_of(team, 1), run_of(team, 2), commit_of(team)]},
        "deployments": {"model": model} | deployed,
    }.items():
        answer = ok(client.post(f"/api/v1/{path}", json=body))
        things |= {IDS[path.rpartition("/")[2]]: answer.json().get("id")} if path.rpartition("/")[2] in IDS else {}
    validated = {"outcome": "approved", "link": f"https://{team}.example.com/report"}
    ok(client.post(f"/api/v1/models/{model}/validations", json=validated, headers=other))
    ok(client.put(f"/api/v1/models/{model}/policy", json={"text": policy_of(team)}))
    asked = {"model": model, "version": "1.0.0", "environment": "production"}
    decided = ok(client.post("/api/v1/gate/evaluations", json=asked, headers=other))
    blob = ok(client.put(f"/api/v1/blobs/{digest_of(team)}", content=content_of(team))) and digest_of(team)
    body = {"kind": "junit", "digest": blob, "filename": f"{team}.xml"}
    handed = ok(client.post(f"/api/v1/models/{model}/versions/1.0.0/evidence", json=body)).json()
    schedule = ok(client.put("/api/v1/schedules", json={"model": model, "cron": "0 6 * * *"})).json()
    things |= {"decision_id": decided.json()["id"], "digest": blob, "evidence_id": handed["id"]}
    things |= {"schedule_id": schedule["id"], "prediction_id": f"{team}-p1"}
    with database.write() as session:
        return things | _rows(session, things)


IDS = {
    "issues": "issue_id",
    "acceptances": "acceptance_id",
    "waivers": "waiver_id",
    "deployments": "deployment_id",
}


def ok(answer: Any) -> Any:
    assert answer.status_code < 300, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer


def _rows(session: Any, things: Things) -> Things:
    """What only workers and other systems make."""
    now, team, digest = utcnow(), things["who"], things["digest"]
    _, version = find_version(session, things["model"], "1.0.0")
    exhibit = {"name": f"{team} exhibit", "media_type": "text/csv", "digest": digest}
    finding = stored.finding(session, version, reason=f"{team} found", exhibits=[exhibit], created_at=now)
    running = stored.audit(session, version, status="queued", actor=f"{team}-ci", checks=["DATA-1"])
    failed = stored.audit(session, version, status="failed", error=f"{team} failed", checks=["DATA-1"])
    attested = stored.attestation(session, version, what=f"{team} read", digest=digest, created_at=now)
    of = {"model_id": version.model_id}
    there = of | {"version_id": version.id, "environment": "production"}
    times = {"first_at": now, "last_at": now}
    batch = PredictionBatch(**there, role="stable", source="push", digest=digest, rows=1, actor=team, **times)
    endpoint = Endpoint(
        **of,
        name=f"{team} api",
        environment="production",
        url=f"https://{team}.example.com",
        interval_seconds=60,
        timeout_seconds=5,
        expected_status=200,
        tolerance=3,
        created_by=team,
    )
    alert = Alert(
        **of,
        event="verdict.changed",
        severity="info",
        title=f"{team} alert",
        body={"lines": [team], "version": "1.0.0", "tests": []},
    )
    listener = Subscription(
        **of,
        name=f"{team} hook",
        channel="webhook",
        target=f"https://{team}.example.com",
        events=[],
        created_by=team,
    )
    with_team = {"team_id": find_team(session, things["team"]).id, "created_by": team}
    of_team = Subscription(
        **with_team, name=f"{team} team hook", channel="webhook", target=f"https://{team}.example.com", events=[]
    )
    approval = Approval(
        **there, digest=digest, person=f"{team}-ada", role="reviewer", comment=f"{team} says yes", created_at=now
    )
    session.add_all([batch, endpoint, alert, listener, of_team, approval])
    session.flush()
    delivery = AlertDelivery(
        alert_id=alert.id, subscription_id=listener.id, message_id=f"msg_{team}", status="dead", error=team
    )
    pipeline_id = version.pipeline_id
    trainer = Trainer(
        pipeline_id=pipeline_id,
        kind="webhook",
        target={"kind": "webhook", "url": f"https://{team}.example.com"},
        secret="whsec_x",
        models=[],
        environments=[],
        causes=["on_demand"],
        cool_down_hours=1,
        most_open=3,
        deadline_hours=1,
        dry_run=True,
        seen_alert_id=0,
        created_by=team,
    )
    request = TrainingRequest(
        key=f"{team}-request",
        pipeline_id=pipeline_id,
        **of,
        environment="production",
        cause="on_demand",
        subject=f"{team}-subject",
        detail={"because": [team]},
        status="dry_run",
        actor=team,
        automatic=False,
    )
    drilled = {"from_version_id": version.id, "to_version_id": version.id, "actor": team, "automatic": True}
    session.add_all(
        [
            delivery,
            trainer,
            request,
            RollbackDrill(**of, environment="production", error=f"{team} drill", ended_at=now, **drilled),
            Prediction(**of, prediction_id=f"{team}-p1", version_id=version.id, batch_id=batch.id, at=now),
            RequestCount(**there, role="stable", source=f"{team}-spool", requests=1, errors=0, **times),
            Probe(endpoint_id=endpoint.id, at=now, ok=False, seconds=0.1, error=f"{team} refused"),
            ScheduleSlot(schedule_id=things["schedule_id"], slot=now, status="missed", reason=f"{team} was away"),
            VerdictState(**there, check_id="DATA-1", told="pass", seen="pass", streak=0),
            Measurement(
                **of,
                evidence_id=things["evidence_id"],
                name=f"{team}-metric",
                value=1.0,
                unit="s",
                at=now,
                tool="x",
                query="x",
            ),
        ]
    )
    session.flush()
    return {
        "finding_id": finding.id,
        "number": 0,
        "audit_id": finding.audit_id,
        "queued_id": running.id,
        "failed_id": failed.id,
        "attestation_id": attested.id,
        "endpoint_id": endpoint.id,
        "alert_id": alert.id,
        "subscription_id": listener.id,
        "delivery_id": delivery.id,
        "request_id": request.key,
        "approval_id": approval.id,
        "environment": "production",
    }


def _connection(session: Any) -> None:
    """Of the organisation's: it may speak about a foreign pipeline, and told of it."""
    row = ToolConnection(
        name="zeta-forge",
        kind="webhook",
        repositories=["zeta/repo"],
        pipelines=["zeta-pipeline"],
        models={},
        secret="whsec_x",
        created_by="tests",
    )
    session.add(row)
    session.flush()
    told = {"key": "zeta-1", "event": "push", "digest": "x", "status": "recorded", "reason": "zeta told"}
    session.add(ReceivedMessage(connection_id=row.id, events=1, untaken=0, **told))
