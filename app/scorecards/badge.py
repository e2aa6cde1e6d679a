"""Badges: score, open failures, version and age of the evidence in one line."""

from __future__ import annotations

from dataclasses import dataclass

from app.scorecards.facts import Scorecard
from app.scorecards.schemas import ShieldsBadge

LABEL = "ML test score"
CHARACTER_WIDTH = 6.2
"""Of the average character at 11 pixels; the drawing fits the text to it."""
PADDING = 6

COLOURS = {
    "brightgreen": "#377f09",
    "green": "#4f7a00",
    "yellowgreen": "#6f6f00",
    "yellow": "#8f6a08",
    "orange": "#b35409",
    "red": "#c23b22",
    "lightgrey": "#6b6b6b",
}
"""shields.io's colour names, in shades on which white text has a contrast of at least 4.5."""

BY_SCORE = ((0, "red"), (1, "orange"), (2, "yellow"), (3, "yellowgreen"), (5, "green"))
"""Highest score of each colour; the limits are the bands'."""


@dataclass(frozen=True)
class Drawing:
    """Widths in pixels for the SVG template."""

    label: str
    message: str
    colour: str
    label_width: int
    message_width: int


def badge(card: Scorecard) -> ShieldsBadge:
    """One line; a score with open failures is never shown in green."""
    colour = next((name for limit, name in BY_SCORE if card.score <= limit), "brightgreen")
    if card.open_failures and card.score > 1:
        colour = "orange"
    parts = [f"{card.score:g}", f"{card.open_failures} failing", card.version, _age(card)]
    return ShieldsBadge(label=LABEL, message=" · ".join(parts), color=colour)


def unknown() -> ShieldsBadge:
    """For what is not registered."""
    return ShieldsBadge(label=LABEL, message="unknown", color="lightgrey", isError=True)


def drawing(shown: ShieldsBadge) -> Drawing:
    """How to draw it."""
    return Drawing(shown.label, shown.message, COLOURS[shown.color], _width(shown.label), _width(shown.message))


def _width(text: str) -> int:
    return round(len(text) * CHARACTER_WIDTH) + 2 * PADDING


def _age(card: Scorecard) -> str:
    """Of the newest evidence: "3 d", "5 h", or "no evidence"."""
    if card.newest_at is None:
        return "no evidence"
    hours = (card.as_of - card.newest_at).total_seconds() / 3600
    return f"{hours / 24:.0f} d" if hours >= 24 else f"{hours:.0f} h"
