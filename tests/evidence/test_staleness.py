"""Predictions of several trainings, handed in as CSV: read, or refused with the line."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.errors import Invalid
from app.evidence import staleness

HEADER = "id,cutoff,prediction,score\n"


def test_predictions_are_read_by_date_oldest_first():
    found = staleness.parse(f"{HEADER}b,2026-01-31,1,0.75\na,2025-12-31,0,\nb,2025-12-31,1,1\n".encode())
    assert list(found) == [date(2025, 12, 31), date(2026, 1, 31)]
    assert found[date(2025, 12, 31)] == {"a": ("0", None), "b": ("1", 1.0)}
    assert found[date(2026, 1, 31)] == {"b": ("1", 0.75)}
    assert staleness.parse(b"cutoff,prediction,id\n2026-01-31,3.5,a\n") == {date(2026, 1, 31): {"a": ("3.5", None)}}


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no column 'id'"),
        (b"id,cutoff\n", "there is no column 'prediction'"),
        (b"id,cutoff,prediction,label\n", "the column 'label' is none of id"),
        (HEADER.encode(), "it has no rows"),
        (b"PAR1\xff\xfe", "not UTF-8"),
        (f"{HEADER}a,31.1.2026,1,0.5\n".encode(), "in line 2: the cutoff '31.1.2026' is no date"),
        (f"{HEADER}a,1066-10-14,1,0.5\n".encode(), "before 1970 or in the future"),
        (f"{HEADER}a,{TOMORROW},1,0.5\n".encode(), "before 1970 or in the future"),
        (f"{HEADER}a,2026-01-31,1,1.5\n".encode(), "the score '1.5' is no probability"),
        (f"{HEADER}a,2026-01-31,1,nan\n".encode(), "the score 'nan' is no probability"),
        (f"{HEADER}a,2026-01-31,,0.5\n".encode(), "an id or a prediction is empty"),
        (f"{HEADER},2026-01-31,1,0.5\n".encode(), "an id or a prediction is empty"),
        (f"{HEADER}a,2026-01-31,1,0.5\na,2026-01-31,1,0.5\n".encode(), "in line 3: an id is there twice for 2026"),
        (f"{HEADER}a,2026-01-31,1\n".encode(), "more or fewer fields"),
        (f"{HEADER}a,2026-01-31,1,0.5,6\n".encode(), "more or fewer fields"),
    ],
)
def test_what_is_none_is_refused(content, told):
    with pytest.raises(Invalid, match="These are not staleness predictions") as refused:
        staleness.parse(content)
    assert told in refused.value.detail


def test_dates_are_bounded():
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(staleness.MOST_CUTOFFS + 1)]
    rows = [f"a,{day},1,0.5\n" for day in days]
    assert len(staleness.parse((HEADER + "".join(rows[:-1])).encode())) == staleness.MOST_CUTOFFS
    with pytest.raises(Invalid, match="more than 50"):
        staleness.parse((HEADER + "".join(rows)).encode())
