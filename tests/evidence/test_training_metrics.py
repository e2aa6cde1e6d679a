"""Training metrics: NaN is read, everything that is no number is refused where it stands."""

from __future__ import annotations

import math

import pytest

from app.errors import Invalid
from app.evidence import training_metrics


def test_numbers_nan_and_infinity_are_read():
    series = training_metrics.parse(b'{"loss": [1, 0.5, NaN, -Infinity, 1e999], "auc": []}')
    assert series["loss"][:2] == (1.0, 0.5)
    assert math.isnan(series["loss"][2])
    assert series["loss"][3:] == (-math.inf, math.inf)
    assert series["auc"] == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"loss": [1, null]}', r"at loss\.1: a number is due, not null"),
        (b'{"loss": [true]}', r"at loss\.0: .*not true"),
        (b'{"loss": ["0.5"]}', r'at loss\.0: .*not "0\.5"'),
        (b'{"loss": 0.5}', "at loss: a list of numbers is due"),
        (b"[1, 2]", "an object of lists is due"),
        (b'{"loss": [1' + b"0" * 400 + b"]}", r"at loss\.0: the number is too large"),
        (b'{"loss": [' + b"1" * 5000 + b"]}", "unreadable"),
        (b'{\n"loss": [1,]}', "in line 2"),
        (b"\xff\xfe\xfa", "unreadable|Expecting"),
        (b"[" * 200_000, "unreadable"),
    ],
)
def test_what_is_no_series_is_refused_where_it_stands(content, told):
    with pytest.raises(Invalid, match=told):
        training_metrics.parse(content)
