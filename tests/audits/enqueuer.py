"""A process that queues what is due, at the same moment as others."""

from app.audits import schedule
from app.db import Database


def enqueue_all(url, schedule_ids, barrier):
    database = Database(url)
    barrier.wait()
    for schedule_id in schedule_ids:
        schedule.enqueue_due(database, schedule_id)
