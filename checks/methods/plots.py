"""Small plots as SVG, written by hand: a plotting library for a few lines and dots is not worth its weight."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from checks.contract import Exhibit

WIDTH, LABELS, ROW = 760, 300, 22
MOST_ROWS = 60
FRAME = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12"'


def interval_plot(name: str, title: str, rows: Sequence[tuple[str, float, float, float]]) -> Exhibit:
    """Estimates with their intervals, one a line, beside a line at zero.

    Args:
        rows: (label, low, estimate, high); the first 60 are drawn.
    """
    drawn = rows[:MOST_ROWS]
    ends = [0.0, *(value for _, low, _, high in drawn for value in (low, high))]
    span = max(ends) - min(ends) or 1.0

    def x(value: float) -> float:
        return round(LABELS + 20 + (value - min(ends)) / span * (WIDTH - LABELS - 40), 1)

    height = ROW * (len(drawn) + 2)
    parts = [f'<line x1="{x(0)}" y1="{ROW}" x2="{x(0)}" y2="{height}" stroke="#999" stroke-dasharray="3"/>']
    for line, (label, low, estimate, high) in enumerate(drawn, 2):
        y = ROW * line
        parts.append(f'<text x="{LABELS}" y="{y + 4}" text-anchor="end">{escape(label[:46])}</text>')
        parts.append(f'<line x1="{x(low)}" y1="{y}" x2="{x(high)}" y2="{y}" stroke="#36c"/>')
        parts.append(
            f'<circle cx="{x(estimate)}" cy="{y}" r="3" fill="#36c"><title>{estimate:.4g}</title></circle>'
        )
    head = f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>'
    svg = f'<svg {FRAME} viewBox="0 0 {WIDTH} {height}">{head}{"".join(parts)}</svg>'
    return Exhibit(name, "image/svg+xml", svg.encode())
