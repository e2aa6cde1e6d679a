"""Who is forgotten is gone from database and files, does not come back, and leaves every record verifiable."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import BytesIO

import pandas as pd
import pytest
from sqlmodel import select

from app.access import audit_log
from app.access.identity import Identity
from app.db import database_now, sqlite_driver, utcnow
from app.errors import Invalid
from app.monitoring import labels
from app.monitoring.labels import Observed
from app.monitoring.personal import retention, segments
from app.monitoring.personal.forgetting import Whom, forget
from app.monitoring.predictions import Destination, Stored, store_rows
from app.monitoring.queries import Served, traffic_by_day
from app.tables import AuditLog, Blob, Label, Prediction, PredictionBatch, Version
from checks.serving import ID
from tests.audits.conftest import plant
from tests.monitoring.conftest import START, rows

pytestmark = pytest.mark.both_databases
OFFICER = Identity("dpo", "admin", frozenset())
PERSON = "C-4711-mertens"
MODEL = "tumour-malignancy"


@pytest.fixture
def planted(database):
    with database.write() as session:
        model, version = plant(session)
        version.manifest = version.manifest | {"columns": version.manifest["columns"] | {"person": "customer"}}
        session.add(version)
    return model, version


@pytest.fixture
def destination(planted):
    return lambda **changes: Destination(
        *planted, **{"environment": "production", "role": "stable", "source": "push", "actor": "ci"} | changes
    )


@pytest.fixture
def forgotten(database):
    """``forgotten(person=...)``: what forgetting them told."""

    def make(reason="request 2026-118", **whom):
        with database.write() as session:
            return forget(session, OFFICER, MODEL, Whom(**whom), reason)

    return make


@pytest.fixture
def finish(database, blobs, settings):
    return lambda: segments.finish(database, blobs, settings)


def of_people(count, start=0, person=PERSON, **changes):
    """``count`` predictions, every third of them of ``person``."""
    made = []
    for i, row in enumerate(rows(count, start, **changes)):
        who = person if i % 3 == 0 else f"C-{start + i}"
        made.append(type(row)(**vars(row) | {"features": {**row.features, "customer": who}}))
    return made


def logs(database, blobs) -> list[pd.DataFrame]:
    with database.read() as session:
        digests = session.exec(select(PredictionBatch.digest).order_by(PredictionBatch.id)).all()
    return [pd.read_parquet(BytesIO(blobs.read(one))) for one in digests]


def seen(database) -> list[str]:
    with database.read() as session:
        return sorted(session.exec(select(Prediction.prediction_id)))


def test_a_person_is_gone_from_database_and_files(database, blobs, destination, forgotten, finish, settings):
    store_rows(database, blobs, destination(), of_people(9))
    store_rows(database, blobs, destination(role="shadow"), of_people(6, start=20))
    with database.write() as session:
        labels.record(session, OFFICER, MODEL, [Observed(f"p{i:06d}", i % 2) for i in range(9)])
    files = [path for path in settings.blob_dir.rglob("*") if path.is_file()]
    assert any(PERSON in str(frame["customer"].tolist()) for frame in logs(database, blobs))
    gone = forgotten(person=PERSON)
    assert (gone.predictions, gone.labels) == (5, 3)
    assert finish() == 0
    kept = [f"p{i:06d}" for i in (1, 2, 4, 5, 7, 8, 21, 22, 24, 25)]
    assert seen(database) == kept
    frames = logs(database, blobs)
    assert [one for frame in frames for one in frame[ID]] == kept
    assert PERSON not in str([frame["customer"].tolist() for frame in frames])
    with database.read() as session:
        batches = session.exec(select(PredictionBatch).order_by(PredictionBatch.id)).all()
        assert [(one.rows, one.reduce) for one in batches] == [(6, False), (4, False)]
        assert batches[0].first_at == START + timedelta(minutes=1)
        served = Served(batches[0].model_id, "production", START, START + timedelta(days=1))
        days = traffic_by_day(session, served)
        assert sorted(row[2:] for row in days) == [("shadow", 4, 0), ("stable", 6, 6)]
    assert not any(path.exists() for path in files)
    with database.read() as session:
        assert all(one.removed_at for one in session.exec(select(Blob).where(Blob.doomed)).all())


def test_the_record_names_nobody_and_the_chain_holds(database, blobs, destination, forgotten, finish):
    store_rows(database, blobs, destination(), of_people(9))
    gone = forgotten(person=PERSON)
    finish()
    with database.read() as session:
        entry = session.exec(select(AuditLog).where(AuditLog.action == "predictions.forgotten")).one()
        found = audit_log.verification(session)
    assert found.valid
    assert (entry.actor, entry.subject) == ("dpo", MODEL)
    assert entry.details == {
        "kind": "person", "digest": gone.digest, "predictions": 3, "labels": 0, "reason": "request 2026-118",
    }  # fmt: skip
    assert PERSON not in str(entry.details)


def test_the_same_again_changes_nothing(database, blobs, destination, forgotten, finish):
    store_rows(database, blobs, destination(), of_people(9))
    forgotten(person=PERSON)
    finish()
    again = forgotten(person=PERSON)
    assert (again.predictions, again.labels, finish()) == (0, 0, 0)
    with database.read() as session:
        assert len(session.exec(select(AuditLog).where(AuditLog.action == "predictions.forgotten")).all()) == 1


def test_what_was_forgotten_does_not_come_back(database, blobs, destination, forgotten, finish):
    store_rows(database, blobs, destination(), of_people(9))
    forgotten(person=PERSON)
    finish()
    assert store_rows(database, blobs, destination(), of_people(9)) == Stored(0, 6, 3)
    late = of_people(3, start=100)  # never seen before, of a time before the deletion
    assert store_rows(database, blobs, destination(), late) == Stored(2, 0, 1)
    with database.write() as session:
        told = labels.record(session, OFFICER, MODEL, [Observed("p000000", 1), Observed("p000001", 1)])
    assert (told.forgotten, told.joined, told.parked) == (1, 1, 0)
    assert PERSON not in str([frame["customer"].tolist() for frame in logs(database, blobs)])


def test_who_comes_back_later_is_a_customer_again(database, blobs, destination, forgotten):
    forgotten(person=PERSON)
    assert store_rows(database, blobs, destination(), of_people(1, start=7, at=utcnow() + timedelta(hours=1))) == (
        Stored(1, 0)
    )


def test_others_of_the_model_are_nobodys_business(database, blobs, destination, forgotten, finish):
    """The control: somebody else is forgotten, and this person's rows stay, byte by byte."""
    store_rows(database, blobs, destination(), of_people(9))
    before = logs(database, blobs)
    assert forgotten(person="C-unknown").predictions == 0
    assert finish() == 0
    pd.testing.assert_frame_equal(logs(database, blobs)[0], before[0])


def test_all_of_a_batch_takes_the_batch_along(database, blobs, destination, forgotten, finish):
    store_rows(database, blobs, destination(), of_people(1))
    forgotten(person=PERSON)
    finish()
    assert logs(database, blobs) == []


def test_one_prediction_by_its_id(database, blobs, destination, forgotten, finish):
    store_rows(database, blobs, destination(), of_people(3))
    assert forgotten(prediction="p000001").predictions == 1
    finish()
    assert seen(database) == ["p000000", "p000002"]
    assert store_rows(database, blobs, destination(), of_people(3)) == Stored(0, 2, 1)


def test_cut_off_after_the_database_it_is_finished_by_the_next(database, blobs, destination, forgotten, settings):
    store_rows(database, blobs, destination(), of_people(9))
    forgotten(person=PERSON)  # and here the process is killed: the file still has the rows
    assert PERSON in str(logs(database, blobs)[0]["customer"].tolist())
    retention.look_after(database, settings)
    assert PERSON not in str(logs(database, blobs)[0]["customer"].tolist())


def test_cut_off_before_the_old_file_was_removed_it_is_removed(
    database, blobs, destination, forgotten, settings, monkeypatch
):
    store_rows(database, blobs, destination(), of_people(9))
    with database.read() as session:
        old = session.exec(select(PredictionBatch.digest)).one()
    forgotten(person=PERSON)
    with monkeypatch.context() as killed:
        killed.setattr(segments, "_remove", lambda *_: None)
        segments.finish(database, blobs, settings)
    assert blobs.has(old)
    retention.look_after(database, settings)
    assert not blobs.has(old)


def test_a_push_that_races_with_forgetting_leaves_nothing(database, blobs, destination, forgotten, finish):
    """Pushes and deletions at once, over and over: in the end nothing of that person is stored."""
    parts = [of_people(30, start=start) for start in range(0, 300, 30)]
    threads = [threading.Thread(target=store_rows, args=(database, blobs, destination(), part)) for part in parts]
    for number, thread in enumerate(threads):
        thread.start()
        if number % 3 == 0:
            forgotten(person=PERSON)
    for thread in threads:
        thread.join()
    forgotten(person=PERSON)
    assert finish() == 0
    frames = logs(database, blobs)
    assert sum(map(len, frames)) == len(seen(database)) == 200
    assert PERSON not in str([frame["customer"].tolist() for frame in frames])


def test_without_a_column_of_persons_it_says_so(database, planted, forgotten):
    with database.write() as session:
        version = session.get_one(Version, planted[1].id)
        version.manifest = version.manifest | {"columns": {"label": "malignant", "positive": 1}}
    with pytest.raises(Invalid, match=r"columns\.person"):
        forgotten(person=PERSON)


def test_the_reason_must_not_name_them(planted, forgotten):
    with pytest.raises(Invalid, match="must not name"):
        forgotten(person=PERSON, reason=f"{PERSON} asked for it")


class TestRetention:
    def days(self, settings, database, **days):
        """Settings that keep ``START``'s day and the days after it, but not the day before."""
        with database.read() as session:
            age = (database_now(session).date() - START.date()).days
        return settings.model_copy(update={"prediction_days": {name: age + more for name, more in days.items()}})

    def test_older_rows_go_with_their_labels(self, database, blobs, destination, settings):
        at = START - timedelta(minutes=2)
        old = [type(row)(**vars(row) | {"at": at + timedelta(minutes=i)}) for i, row in enumerate(rows(4))]
        store_rows(database, blobs, destination(), old)
        store_rows(database, blobs, destination(), rows(2, start=50, at=START - timedelta(days=3)))
        with database.write() as session:
            given = [Observed(f"p{i:06d}", 1, START) for i in range(4)]
            labels.record(session, OFFICER, MODEL, [*given, Observed("parked", 1, START - timedelta(days=9))])
        retention.look_after(database, self.days(settings, database, **{MODEL: 0}))
        assert seen(database) == ["p000002", "p000003"]
        assert [frame[ID].tolist() for frame in logs(database, blobs)] == [["p000002", "p000003"]]
        with database.read() as session:
            assert sorted(session.exec(select(Label.prediction_id))) == ["p000002", "p000003"]
            told = session.exec(select(AuditLog).where(AuditLog.action == "predictions.expired")).all()
            assert audit_log.verification(session).valid
        assert sum(one.details.get("predictions", 0) for one in told) == 4
        retention.look_after(database, self.days(settings, database, **{MODEL: 0}))
        with database.read() as session:
            again = session.exec(select(AuditLog).where(AuditLog.action == "predictions.expired")).all()
        assert len(again) == len(told)

    @pytest.mark.parametrize("days", [{}, {"another": 0}, {MODEL: 1, "*": 0}], ids=["none", "another's", "longer"])
    def test_what_may_be_kept_stays(self, database, blobs, destination, settings, days):
        store_rows(database, blobs, destination(), rows(2, at=START - timedelta(hours=1)))
        retention.look_after(database, self.days(settings, database, **days))
        assert len(seen(database)) == 2

    def test_every_model_unless_it_has_days_of_its_own(self, database, blobs, destination, settings):
        store_rows(database, blobs, destination(), rows(2, at=START - timedelta(hours=1)))
        retention.look_after(database, self.days(settings, database, **{"*": 0}))
        assert seen(database) == []


@pytest.mark.sqlite_only(reason="looks into SQLite's own file")
def test_free_pages_of_the_database_do_not_keep_them(database, blobs, destination, settings, forgotten):
    def on_disk() -> bytes:
        database.dispose()
        connection = sqlite_driver().connect(settings.database_file)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return b"".join(path.read_bytes() for path in settings.data_dir.glob("assay.sqlite3*"))

    store_rows(database, blobs, destination(), of_people(1, id="application-jumbrisk"))
    with database.write() as session:
        labels.record(session, OFFICER, MODEL, [Observed("application-jumbrisk", 1)])
    assert b"application-jumbrisk" in on_disk()
    forgotten(person=PERSON)
    assert b"application-jumbrisk" not in on_disk()
