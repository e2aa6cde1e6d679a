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


def scatter_plot(name: str, title: str, points: Sequence[tuple[str, float, float]]) -> Exhibit:
    """Points (label, x, y), at least one, in a square, the smallest values at the lower left.

    Pointing at a point shows its label.
    """
    size, edge = 400, 50
    across, up = [x for _, x, _ in points], [y for _, _, y in points]

    def place(value: float, among: Sequence[float]) -> float:
        span = (max(among) - min(among)) or 1.0
        return round(edge + (value - min(among)) / span * (size - 2 * edge), 1)

    side = size - 2 * edge + 20
    parts = [f'<rect x="{edge - 10}" y="{edge - 10}" width="{side}" height="{side}" fill="none" stroke="#999"/>']
    for label, x, y in points:
        told = f"<title>{escape(label)}: {x:.4g}, {y:.4g}</title>"
        centre = f'cx="{place(x, across)}" cy="{size - place(y, up)}"'
        parts.append(f'<circle {centre} r="4" fill="#36c">{told}</circle>')
    for told, values, at in (("across", across, size - 15), ("up", up, edge - 18)):
        ends = f"{told}: {min(values):.4g} to {max(values):.4g}"
        parts.append(f'<text x="{edge}" y="{at}">{ends}</text>')
    head = f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>'
    svg = f'<svg {FRAME} viewBox="0 0 {size} {size}">{head}{"".join(parts)}</svg>'
    return Exhibit(name, "image/svg+xml", svg.encode())
