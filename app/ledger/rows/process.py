"""Rows 1 to 3 and 20: design, development, operations, and the way into products."""

from __future__ import annotations

from app.ledger.reading import process, products
from app.ledger.rows.contract import Row, focus

GROUP = "Process"

ROWS = (
    Row(
        1,
        GROUP,
        "Design: business and data are understood, users and the problem are known",
        "the registration's purpose, users, problem type, business metric and thresholds",
        lambda read: process.design(read.history, focus(read.history)).judged,
    ),
    Row(
        2,
        GROUP,
        "Experimentation and development: the chosen run is within the thresholds, after several",
        "runs, the one that made the version, its metric beside the registered floor",
        lambda read: process.development(read.history, focus(read.history)).judged,
    ),
    Row(
        3,
        GROUP,
        "Operations: testing, versioning, continuous delivery, monitoring",
        "findings in all four sections of the rubric",
        lambda read: process.operations(read.history, focus(read.history)).judged,
    ),
)

PRODUCT = Row(
    20,
    "Continuous X",
    "The model reaches a product as an API of its own",
    "what answers in production, and its traffic",
    lambda read: products.as_api(read.history),
)
