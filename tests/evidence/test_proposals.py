"""Histories of features that were handed in."""

import pytest

from app.errors import Invalid
from app.evidence.proposals import parse


def test_a_history():
    (one,) = parse(b'{"proposals": [{"feature": "income", "proposed_at": "2026-01-05T09:00:00+01:00"}]}').proposals
    assert (one.feature, one.proposed_at.isoformat()) == ("income", "2026-01-05T09:00:00+01:00")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a history of features"),
        (b'{"proposals": []}', "proposals: "),
        (b'{"proposals": [{"feature": "a"}]}', "proposals.0.proposed_at"),
        (b'{"proposals": [{"feature": "a", "proposed_at": "2026-01-05T09:00:00"}]}', "timezone"),
        (b'{"proposals": [{"feature": "a", "proposed_at": "soon"}]}', "proposals.0.proposed_at"),
        (
            b'{"proposals": [%s, %s]}' % ((b'{"feature": "a", "proposed_at": "2026-01-05T09:00:00Z"}',) * 2),
            "'a' is there twice",
        ),
    ],
)
def test_what_is_none_is_refused_by_name(content, words):
    with pytest.raises(Invalid) as refusal:
        parse(content)
    assert words in refusal.value.detail
