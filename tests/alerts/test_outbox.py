"""Who is told of what, and that being told is part of what happened."""

from contextlib import suppress

import pytest
from sqlmodel import select

from app.alerts.events import EVENTS, is_production
from app.alerts.outbox import raise_alert
from app.tables import Alert, AlertDelivery
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases


def told(deliveries, alert_id):
    return [one.subscription_id for one in deliveries() if one.alert_id == alert_id]


def test_everybody_who_listens_is_told_once(subscribe, tell, deliveries):
    first, second = subscribe(), subscribe(name="others")
    assert told(deliveries, tell()) == [first, second]
    assert len({one.message_id for one in deliveries()}) == 2
    assert {(one.status, one.attempts) for one in deliveries()} == {("pending", 0)}


@pytest.mark.parametrize(
    ("columns", "hears"),
    [
        ({"events": ["audit.failed", "schedule.missed"]}, True),
        ({"events": ["schedule.missed"]}, False),
        ({"least_severity": "warning"}, True),
        ({"least_severity": "critical"}, False),
        ({"least_severity": "info"}, True),
        ({"enabled": False}, False),
    ],
)
def test_by_event_and_severity(subscribe, tell, deliveries, columns, hears):
    subscribe(**columns)
    assert bool(told(deliveries, tell())) is hears


def test_by_model(subscribe, tell, deliveries, database):
    with database.write() as session:
        mine, other = plant(session, "mine")[0].id, plant(session, "other")[0].id
    everything, only = subscribe(), subscribe(name="only", model_id=mine)
    assert told(deliveries, tell(model_id=mine)) == [everything, only]
    assert told(deliveries, tell(model_id=other)) == [everything]
    assert told(deliveries, tell()) == [everything]


def test_nothing_is_told_of_what_was_rolled_back(subscribe, database):
    subscribe()
    with suppress(KeyboardInterrupt), database.write() as session:
        raise_alert(session, event="audit.failed", severity="info", title="t", body={})
        raise KeyboardInterrupt
    with database.read() as session:
        assert session.exec(select(Alert)).all() == session.exec(select(AlertDelivery)).all() == []


@pytest.mark.parametrize("columns", [{"event": "audit.fialed"}, {"severity": "grave"}])
def test_only_what_the_registry_knows(tell, columns):
    with pytest.raises(ValueError, match="registry"):
        tell(**columns)


def test_a_title_is_one_line(tell, database):
    alert_id = tell(title="Bad\r\nBcc: all@example.com \t news")
    with database.read() as session:
        assert session.get(Alert, alert_id).title == "Bad Bcc: all@example.com news"


def test_what_an_environments_name_says():
    assert all(map(is_production, ("production", "prod", "eu-production", "prod.eu", "production_2")))
    assert not any(map(is_production, (None, "", "staging", "preprod", "reproduction")))


def test_every_event_has_its_meaning():
    assert all(meaning.endswith(".") for meaning in EVENTS.values())
