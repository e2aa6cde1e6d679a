"""The page of alerts: what was told, to whom, and that nobody's text becomes part of it."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.alerts.outbox import raise_alert
from app.db import database_now
from app.tables import AlertDelivery, Subscription

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def told(database):
    """An alert of each severity; one delivered, one dead, one that nobody heard."""
    with database.write() as session:
        now = database_now(session)
        ops = {"channel": "webhook", "target": "https://hooks.example/secret-path", "events": [], "created_by": "t"}
        session.add(Subscription(name=HOSTILE, least_severity="warning", **ops))
        session.flush()
        ids = {}
        for severity in ("info", "warning", "critical"):
            body = {"lines": [f"A line of {severity}.", HOSTILE], "path": "/audits/7"}
            alert = raise_alert(
                session, event="audit.failed", severity=severity, title=f"{severity} {HOSTILE}", body=body
            )
            ids[severity] = alert.id
        for alert_id, columns in (
            (
                ids["warning"],
                {"status": "delivered", "delivered_at": now + timedelta(seconds=3), "receipt": {"status": 204}},
            ),
            (ids["critical"], {"status": "dead", "error": f"answered 500: {HOSTILE}", "attempts": 11}),
        ):
            row = session.exec(select(AlertDelivery).where(AlertDelivery.alert_id == alert_id)).one()
            for name, value in columns.items():
                setattr(row, name, value)
    return ids


def test_what_became_of_each(told, open_page, client):
    page = open_page("/alerts")
    for words in (
        "A line of warning.",
        "answered 204",
        "delivered",
        "dead",
        "11 attempts",
        "nobody had subscribed",
    ):
        assert page.says(words), words
    assert "/audits/7" in page.links
    client("owner").post(f"/api/v1/alerts/{told['critical']}/acknowledge", json={"note": "mended it"})
    assert not open_page("/alerts").says("A line of critical.")
    everything = open_page("/alerts?all=true")
    assert everything.says("A line of critical.")
    assert everything.says("mended it")


def test_nobodys_text_is_part_of_the_page_and_no_target_is_shown(told, client):
    text = client("viewer").get("/alerts?all=true", headers={"Accept": "text/html"}).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "secret-path" not in text


def test_none(open_page):
    assert open_page("/alerts").says("No alert is open")
    assert open_page("/alerts?all=true").says("Nothing was told yet")
    assert "/alerts" in open_page("/").links
