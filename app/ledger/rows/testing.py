"""Rows 32 to 34: what is tested."""

from __future__ import annotations

from app.ledger.rows.contract import Row, by_tests

GROUP = "Testing"

ROWS = (
    Row(32, GROUP, "Features and data are tested: types, outliers", by_tests("DATA-1", "DATA-7")),
    Row(
        33,
        GROUP,
        "Model development is tested: configuration, predictions, accuracy after a change",
        by_tests("INFRA-2", "INFRA-4"),
    ),
    Row(
        34,
        GROUP,
        "ML infrastructure is tested: the API's use, the same predictions in training and in serving",
        by_tests("INFRA-3", "INFRA-5"),
    ),
)
