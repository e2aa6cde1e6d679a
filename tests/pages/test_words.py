"""How values are written on pages, and whether they can be read."""

import re

import pytest

from app.config import ROOT
from app.pages.rendering import VERDICTS, age, code, number, web_link
from app.pages.values import MOST_ROWS, PREVIEW_BYTES, lay_out, preview
from checks.contract import Verdict


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (None, "never"),
        (0, "just now"),
        (0.0005, "just now"),
        (0.01, "14 min"),
        (0.2, "5 h"),
        (1, "1 d"),
        (40.4, "40 d"),
    ],
)
def test_ages(days, said):
    assert age(days) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"),
        (None, "—"),
        (48000, "48\N{NARROW NO-BREAK SPACE}000"),
        (0.1 + 0.2, "0.3"),
        (float("nan"), "nan"),
        ("text", "text"),
        ([], "none"),
        ([1, "a"], "1, a"),
        ([[1], {"a": 2}], '[[1], {"a": 2}]'),
        ({"a": 2}, '{"a": 2}'),
    ],
)
def test_numbers(value, said):
    assert number(value) == said


def test_links_that_a_browser_may_follow():
    assert web_link("https://example.com") == "https://example.com"
    assert web_link("javascript:alert(1)") is None
    assert web_link(None) is None


def test_code_in_docstrings():
    assert code("at least ``min_rows`` <b>") == "at least <code>min_rows</code> &lt;b&gt;"


def test_every_verdict_has_a_sign_and_words():
    assert {verdict.value for verdict in Verdict} < set(VERDICTS)
    named = {name: shown for name, shown in VERDICTS.items() if name in set(Verdict)}
    assert len({sign for sign, _ in named.values()}) == len(named)


class TestLayout:
    def test_values_by_their_form(self):
        layout = lay_out(
            {
                "rows": 3,
                "names": ["a", "b"],
                "records": [{"a": 1}, {"a": 2, "b": 3}],
                "by_group": {"x": {"n": 1}, "y": {"n": 2}},
                "pairs": {"low": 1, "high": 2},
                "deep": {"a": {"b": {}}, "c": 1},
                "wide": [{str(column): 1 for column in range(40)}],
                "mixed": [1, {"a": 2}],
            }
        )
        assert layout.single == {"rows": 3, "names": ["a", "b"]}
        tables = {table.name: table for table in layout.tables}
        assert (tables["records"].header, tables["records"].rows) == (["a", "b"], [[1, None], [2, 3]])
        assert (tables["by_group"].header, tables["by_group"].rows) == (["", "n"], [["x", 1], ["y", 2]])
        assert tables["pairs"].rows == [("low", 1), ("high", 2)]
        assert list(layout.nested) == ["deep", "wide", "mixed"]

    def test_long_tables_say_what_is_left_out(self):
        table = lay_out({"rows": [{"a": number} for number in range(MOST_ROWS + 7)]}).tables[0]
        assert (len(table.rows), table.left_out) == (MOST_ROWS, 7)


class TestPreview:
    def test_of_a_table(self):
        table = preview("cases", b"a,b\n1,2\n")
        assert (table.header, table.rows, table.left_out) == (["a", "b"], [["1", "2"]], 0)

    def test_long_fractions_are_shown_as_numbers(self):
        table = preview("cases", b"version,gain\n1.10,0.00029318000001\n1.2,-1.3862900001e-06\n")
        assert table.rows == [["1.10", 0.00029318000001], ["1.2", -1.3862900001e-06]]

    def test_only_the_beginning_is_read(self):
        table = preview("cases", b"a,b\n" + b"1,2\n" * PREVIEW_BYTES)
        assert len(table.rows) == MOST_ROWS
        assert table.left_out > 1000

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01", b'"' + b"a" * 200_000])
    def test_what_is_no_table_breaks_nothing(self, content):
        preview("cases", content)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast(scheme):
    blocks = re.findall(r":root \{(.*?)\}", (ROOT / "app/pages/static/assay.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[scheme]))
    pairs = [(text, ground) for text in ("ink", "muted", "link") for ground in ("paper", "sheet")]
    pairs += [(name, f"{name}-tint") for name in ("pass", "fail", "unsure", "error")]
    pairs += [("unsure", "paper"), ("fail", "sheet"), ("dial", "paper")]
    for text, ground in pairs:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_badges_have_enough_contrast():
    from app.scorecards.badge import COLOURS

    for colour in (*COLOURS.values(), "#4a4f57"):
        assert contrast("#ffffff", colour) >= 4.5, colour
