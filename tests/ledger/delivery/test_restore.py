"""Time to restore: from the first sign to the last, split by what was done about it."""

import pytest
from sqlmodel import select

from app.ledger import facts
from app.ledger.history import OutageFact
from app.ledger.reading.delivery.episodes import PARTS, episodes, split
from app.ledger.reading.delivery.practice import practices
from app.ledger.reading.delivery.signs import signs
from app.tables import Alert, Model
from tests.ledger.planting import CI, plant
from tests.ledger.story import at

DAY = 86400
HOUR = 3600


@pytest.fixture
def found(story):
    """``found(days)``: the episodes that are known on that day."""

    def read(days=60):
        history = story.history(days)
        practice = practices(history)[0]
        return episodes(practice, signs(practice), history.as_of)

    return read


def days_of(episode):
    return tuple(round(episode.seconds[part] / DAY, 6) for part in PARTS)


def test_debugging_retraining_redeploying(story, found):
    story.turn("fail", 10)
    story.run("again", 12, 15, model="m")
    story.deploy("2", 16, kind="decision")
    story.turn("pass", 18)
    (one,) = found()
    assert (one.detected_at, one.restored_at, one.signs) == (at(10), at(18), ("MON-7",))
    assert days_of(one) == (2, 3, 3, 0)
    assert one.total == 8 * DAY


def test_a_rollback_is_told_apart(story, found):
    story.deploy("1", 1, 5)
    story.deploy("2", 5, 10.5, "rolled_back")
    story.incident("I-1", "opened", 10, version="2")
    story.deploy("1", 10.5, kind="rollback")
    story.incident("I-1", "resolved", 11)
    assert days_of(found()[0]) == (0.5, 0, 0, 0.5)


def test_a_retraining_that_failed_leads_back_to_debugging(story, found):
    story.turn("fail", 10)
    story.run("bad", 11, 12, state="failed", model="m")
    story.run("good", 14, 15, model="m")
    story.turn("pass", 16)
    assert days_of(found()[0]) == (3, 2, 1, 0)


@pytest.mark.parametrize(
    "told",
    [
        {"experiment": "tuning"},  # a data scientist's, of no pipeline
        {"model": "other"},
        {"model": None, "pipeline": "unheard-of"},
    ],
)
def test_other_runs_are_no_retraining(story, found, told):
    story.turn("fail", 10)
    story.run("x", 11, 12, **({"model": "m"} | told))
    story.turn("pass", 14)
    assert days_of(found()[0]) == (4, 0, 0, 0)


def test_what_was_done_elsewhere_or_before_or_for_practice_does_not_count(story, found):
    story.run("before", 8, 9.5, model="m")
    story.deploy("2", 9)
    story.turn("fail", 10)
    story.deploy("3", 11, environment="prod-us")
    story.deploy("4", 11, environment="staging")
    story.deploy("1", 12, 12.1, "drill", kind="drill")
    story.deploy("5", 12, role="shadow")
    story.turn("pass", 14)
    assert days_of(found()[0]) == (4, 0, 0, 0)


@pytest.mark.parametrize(
    ("test", "environment", "counts"),
    [("MON-2", "production", 1), ("MON-1", "production", 0), ("MODEL-1", "production", 0), ("MON-7", "staging", 0),
     ("MON-7", None, 0)],
)  # fmt: skip
def test_which_verdicts_are_signs(story, found, test, environment, counts):
    story.turn("fail", 10, test=test, environment=environment)
    assert len(found()) == counts


def test_a_test_that_cannot_tell_has_not_recovered(story, found):
    story.turn("fail", 10)
    story.turn("blind", 11, before="fail")
    story.turn("fail", 12, before="blind")
    (one,) = found()
    assert (one.detected_at, one.restored_at) == (at(10), None)
    story.turn("pass", 13, before="fail")
    assert found()[0].restored_at == at(13)


def test_signs_that_overlap_are_one_episode(story, found):
    story.turn("fail", 10, test="MON-2")
    story.turn("fail", 11, test="MON-7")
    story.turn("pass", 12, test="MON-2")
    story.incident("I-1", "opened", 13)
    story.turn("pass", 13, test="MON-7")  # the moment that the next one begins
    story.incident("I-1", "resolved", 15)
    story.incident("I-2", "opened", 15.1)
    story.incident("I-2", "resolved", 16)
    story.incident("I-3", "opened", 10.2, environment="prod-us")
    one, other, later = found()
    assert (one.signs, one.detected_at, one.restored_at) == (("MON-2", "MON-7", "incident I-1"), at(10), at(15))
    assert (other.environment, other.restored_at) == ("prod-us", None)
    assert later.signs == ("incident I-2",)


def test_an_incident_that_was_opened_again_lasts_until_its_last_end(story, found):
    for state, day in (("resolved", 12), ("opened", 10), ("opened", 13), ("resolved", 14), ("opened", 10.5)):
        story.incident("I-1", state, day)
    (one,) = found()
    assert (one.detected_at, one.restored_at) == (at(10), at(14))
    assert found(13.5)[0].restored_at is None


def test_what_is_open_is_told_and_in_no_mean(story, measured):
    for number in range(3):
        story.incident(f"I-{number}", "opened", 10 + number)
        story.incident(f"I-{number}", "resolved", 10 + number + (number + 1) / 24)
    story.incident("I-9", "opened", 20)
    restore = measured(29).restore
    assert (restore.open, restore.total.n, restore.total.mean) == (1, 3, 2 * HOUR)
    assert restore.total.band == "high"
    assert restore.parts == {"debugging": 2 * HOUR, "retraining": 0, "redeploying": 0, "rollback": 0}


def test_the_mean_parts_add_up_to_the_mean(story, measured):
    for number in range(4):
        start = 10 + 4 * number
        story.turn("fail", start)
        story.run(f"r{number}", start + 0.3, start + 1 + number / 10, model="m")
        story.deploy(str(number), start + 1.7)
        story.turn("pass", start + 2 + number / 7)
    restore = measured(60, window=90).restore
    assert sum(restore.parts.values()) == pytest.approx(restore.total.mean)


def test_two_are_too_few(story, measured):
    for number in range(2):
        story.incident(f"I-{number}", "opened", 10 + number)
        story.incident(f"I-{number}", "resolved", 10.5 + number)
    restore = measured(29).restore
    assert (restore.total.n, restore.total.mean, restore.parts) == (2, None, None)
    assert restore.total.reason == "2 episodes that ended with known times in this period; 3 are needed"


def test_what_nobody_detected_is_named(story, measured):
    story.deploy("1", 1, 5)
    story.deploy("2", 5, 10, "rolled_back")
    story.deploy("1", 10, kind="rollback")
    story.incident("I-1", "resolved", 12)
    assert measured(29).restore.undetected == ("rollback of m@2 in production", "incident I-1 of m")
    story.incident("I-2", "opened", 9)
    story.incident("I-2", "resolved", 10)
    assert measured(29).restore.undetected == ("incident I-1 of m",)


@pytest.mark.parametrize(
    ("hours", "band"), [(0.99, "elite"), (1, "high"), (23.9, "high"), (24, "medium"), (167, "medium"), (168, "low")]
)
def test_bands(story, measured, hours, band):
    for number in range(3):
        story.incident(f"I-{number}", "opened", 10 + 10 * number)
        story.incident(f"I-{number}", "resolved", 10 + 10 * number + hours / 24)
    assert measured(60, window=90).restore.total.band == band


def test_the_parts_are_all_of_the_time():
    steps = [(at(0.5), "retraining"), (at(1), "rollback"), (at(1.5), "redeploying"), (at(2), "debugging")]
    assert split(at(1), at(2), steps) == {
        "debugging": 0,
        "retraining": 0,
        "redeploying": DAY / 2,
        "rollback": DAY / 2,
    }
    assert sum(split(at(1), at(1), steps).values()) == 0


def test_an_outage_is_a_sign(story, found):
    story.deploy("1", 5)
    for environment, start, end in (("production", 10, 11), ("production", 12, None), ("staging", 13, 14)):
        story.outages.append(OutageFact("m", environment, 7, at(start), end and at(end)))
    one, other = found()
    assert (one.signs, one.restored_at, other.restored_at) == (("outage of endpoint 7",), at(11), None)


@pytest.mark.both_databases
def test_outages_are_what_people_were_told(database, story):
    plant(database, story, CI)
    told = [("endpoint.down", 1, 3), ("endpoint.down", 2, 4), ("endpoint.recovered", 1, 5), ("endpoint.down", 1, 9)]
    with database.write() as session:
        model = session.exec(select(Model)).one()
        for event, endpoint, day in told:
            body, place = {"endpoint_id": endpoint}, {"model_id": model.id, "environment": "production"}
            session.add(Alert(event=event, severity="info", title="t", body=body, created_at=at(day), **place))
            session.flush()
    with database.read() as session:
        found = facts.of_models(session, [model], at(8), ("outages",)).outages
    assert [(one.endpoint_id, one.started_at, one.ended_at) for one in found] == [
        (1, at(3), at(5)),
        (2, at(4), None),
    ]


def test_an_incident_may_end_the_moment_that_it_began(story, found):
    story.incident("I-1", "resolved", 10, id="a")
    story.incident("I-1", "opened", 10, id="b")
    (one,) = found()
    assert (one.restored_at, one.total) == (at(10), 0)
