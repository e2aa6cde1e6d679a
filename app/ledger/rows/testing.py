"""Rows 32 to 34: what is tested."""

from __future__ import annotations

from app.ledger.rows.contract import tested

GROUP = "Testing"

ROWS = (
    tested(32, GROUP, "Features and data are tested: types, outliers", "DATA-1", "DATA-7"),
    tested(
        33,
        GROUP,
        "Model development is tested: configuration, predictions, accuracy after a change",
        "INFRA-2",
        "INFRA-4",
    ),
    tested(
        34,
        GROUP,
        "ML infrastructure is tested: the API's use, the same predictions in training and in serving",
        "INFRA-3",
        "INFRA-5",
    ),
)
