"""The page of a model in service tells what the API tells."""

from datetime import UTC, datetime, timedelta

from sqlmodel import select

from app.db import utcnow
from app.engines.prediction_log import Row
from app.monitoring.predictions import Destination, store_rows
from app.tables import Alert, Deployment, Label, Model, Pipeline, Schedule, TrainingRequest, Version

TITLE = "A <b>slot</b> was missed"
TUESDAY = datetime(2024, 10, 8, 12, tzinfo=UTC)


def test_what_serves_what_was_asked_and_who_watches(story, database, blobs, open_page, client):
    with database.write() as session:
        model = session.exec(select(Model).where(Model.name == "credit-default")).one()
        versions = session.exec(select(Version).where(Version.model_id == model.id).order_by(Version.id)).all()
        old, new = versions[0], versions[-1]
        new.manifest = {**new.manifest, "features": [{"name": "x", "type": "number"}]}
        session.add(new)
        place = {"model_id": model.id, "environment": "staging", "stage": "admit", "actor": "ci", "reason": "-"}
        ended = {"ended_at": utcnow(), "outcome": "replaced"}
        session.add(Deployment(version_id=old.id, role="stable", kind="decision", **place, **ended))
        session.add(Deployment(version_id=new.id, role="canary", kind="rollback", **place))
        session.add(Schedule(model_id=model.id, environment="staging", cron="0 6 * * *"))
        session.add(Alert(model_id=model.id, event="schedule.missed", severity="warning", title=TITLE, body={}))
        told = {"model_id": model.id, "value": 1, "observed_at": utcnow(), "revision": 1, "actor": "ci"}
        session.add(Label(prediction_id="a", **told))
    to = Destination(model, new, "staging", "canary", "push", "ci")
    rows = [Row(name, TUESDAY + timedelta(days=day), {"x": 1.0}, 0) for day, name in enumerate("abc")]
    store_rows(database, blobs, to, rows)
    store_rows(database, blobs, to, [Row("long ago", TUESDAY - timedelta(days=90), {"x": 1.0}, 0)])

    page = open_page("/models/credit-default/serving")
    text = page.text
    assert (page.fields["canary"], page.fields["rows"], page.fields["labelled"]) == (new.name, "3", "1")
    earlier = next(link for link in page.links if "before=" in link)
    before = open_page(f"/models/credit-default/serving{earlier}")
    assert (before.fields["rows"], any("before=" in link for link in before.links)) == ("1", False)
    told = open_page("/alerts")
    assert told.says(TITLE)
    assert "/models/credit-default/serving" in told.links
    assert "replaced" in text
    assert "2024-10-10" in text
    assert "0 6 * * *" in text
    assert TITLE in text
    assert open_page("/models/credit-default/versions/1.1.0").fields["open_alerts"] == "1"
    asked = {"model": "credit-default", "environment": "staging", "since": "2024-10-01T00:00:00Z"}
    answered = client("viewer").get("/api/v1/traffic", params=asked).json()
    assert (answered["rows"], answered["labelled"]) == (3, 1)


def test_what_was_asked_of_the_pipeline_and_what_came(story, database, open_page):
    with database.write() as session:
        model = session.exec(select(Model).where(Model.name == "credit-default")).one()
        version = session.exec(select(Version).where(Version.model_id == model.id)).first()
        pipeline = Pipeline(name="credit-training")
        session.add(pipeline)
        session.flush()
        asked = {"pipeline_id": pipeline.id, "model_id": model.id, "environment": "staging", "cause": "degradation"}
        came = {"status": "running", "run": "run-7", "version_id": version.id, "reason": "<b>late</b>"}
        detail = {"because": ["MON-7 turned to fail."]}
        row = TrainingRequest(
            key="tr_7", subject="alert/7", detail=detail, actor="trainer", automatic=True, **asked
        )
        session.add(row.sqlmodel_update(came))
    page = open_page("/models/credit-default/serving")
    for text in ("credit-training", "degradation", "MON-7 turned to fail.", "run-7", "running", "<b>late</b>"):
        assert page.says(text), text
    assert f"/models/credit-default/versions/{version.name}?environment=staging" in page.links


def test_a_model_that_serves_nowhere_is_told_how(story, open_page):
    text = open_page("/models/tumour-malignancy/serving").text
    assert "It serves nowhere yet" in text
    assert "Nobody had to be told of anything" in text


def test_an_unknown_model_is_named_with_the_nearest(open_page, story):
    assert "credit-default" in open_page("/models/credit-defaul/serving", status=404).text
