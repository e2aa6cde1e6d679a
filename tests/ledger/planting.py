"""Puts a ``Story`` into a database: own tables as rows, what tools tell through the ledger's own door."""

from __future__ import annotations

from app.access.identity import ROLE_SCOPES, Identity
from app.ledger import service
from app.tables import Alert, Decision, Deployment, Model, Pipeline, Version
from tests.ledger.story import START, Story

CI = Identity("ci", "ci", ROLE_SCOPES["ci"])


def plant(database, story: Story, identity, batches=()) -> None:
    """``batches``: lists of events, in the order in which they arrive; by default the story's, at once."""
    with database.write() as session:
        models = {one.name: _add(session, Model, one, created_by="ci") for one in story.models}
        pipelines = {one.name: _pipeline(session, one.form) for one in story.pipelines}
        versions = {
            (one.model, one.name): _version(session, one, models[one.model], pipelines.get(one.pipeline))
            for one in story.versions
        }
        rows = [
            *(_deployment(one, versions[one.model, one.version]) for one in story.deployments),
            *(_decision(one, versions[one.model, one.version]) for one in story.decisions),
            *(_turn(one, models[one.model]) for one in story.turns),
        ]
        session.add_all(rows)
    for batch in batches or [story.events]:
        with database.write() as session:
            taken = service.record(session, "tests", identity, batch)
        assert {one.status for one in taken} <= {"recorded", "known"}


def _add(session, table, fact, **more):
    row = table(**vars(fact), **more)
    session.add(row)
    session.flush()
    return row.id


def _pipeline(session, form):
    declared = form.model_dump(mode="json", exclude={"name"})
    row = Pipeline(name=form.name, repository=form.repository, declaration=declared, created_at=START)
    session.add(row)
    session.flush()
    return row.id


def _version(session, fact, model, pipeline):
    row = Version(
        model_id=model,
        name=fact.name,
        manifest={**fact.manifest, "version": {"pipeline": {"run": fact.run} if fact.run else None}},
        files={},
        content_digest=f"{fact.id:064x}",
        commit=fact.commit,
        change_reason=fact.change_reason,
        pipeline_id=pipeline,
        created_at=fact.created_at,
        created_by=fact.created_by,
    )
    session.add(row)
    session.flush()
    return row


def _deployment(fact, version):
    told = {key: getattr(fact, key) for key in ("environment", "role", "kind", "started_at", "ended_at", "outcome")}
    return Deployment(
        model_id=version.model_id, version_id=version.id, stage="admit", reason="a test", actor=fact.actor, **told
    )


def _decision(fact, version):
    told = {key: getattr(fact, key) for key in ("environment", "stage", "status")}
    return Decision(
        model_id=version.model_id, version_id=version.id, body={}, inputs={}, actor="ci", decided_at=fact.at, **told
    )


def _turn(fact, model_id):
    test = {"test": fact.test, "from": fact.before, "to": fact.after}
    return Alert(
        model_id=model_id,
        environment=fact.environment,
        event="verdict.changed",
        severity="warning",
        title="a test",
        body={"version": fact.version, "tests": [test]},
        created_at=fact.at,
    )
