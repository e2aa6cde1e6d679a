"""Rows 42 to 45: the delivery metrics."""

from __future__ import annotations

from app.ledger.reading.delivery import judged
from app.ledger.rows.contract import Row

GROUP = "Delivery metrics"

ROWS = (
    Row(
        42,
        GROUP,
        "How often a model reaches end users",
        "deployments to production",
        lambda read: judged.frequency(read.history),
    ),
    Row(
        43,
        GROUP,
        "Lead time: experiment to ready, and commit to production",
        "runs, commits, decisions and deployments",
        lambda read: judged.lead_time(read.history),
    ),
    Row(
        44,
        GROUP,
        "Time to restore: debugging, retraining, redeploying, rollback",
        "verdicts that turned, incidents, and what ended them",
        lambda read: judged.restore(read.history),
    ),
    Row(
        45,
        GROUP,
        "Change failure rate, by kind of metric and for A/B tests",
        "deployments, incidents, rollbacks, A/B tests",
        lambda read: judged.failure_rate(read.history),
    ),
)
