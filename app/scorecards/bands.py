"""The bands of the 2017 paper: what a score says about the system as a whole.

Source: Breck et al., "The ML Test Score", IEEE Big Data 2017, table of interpretation.
"""

from __future__ import annotations

from app.scorecards.facts import Band

UNTESTED = Band("research project", "More of a research project than a productionized system.")

BANDS: tuple[tuple[float, Band], ...] = (
    (1, Band("serious holes possible", "Not totally untested, but serious holes in reliability are possible.")),
    (2, Band("first pass", "A first pass at productionization; more investment may be needed.")),
    (3, Band("reasonably tested", "Reasonably tested; more of those tests could be automated.")),
    (5, Band("strong", "Strong automated testing and monitoring, fit for mission-critical systems.")),
)
"""Highest score that still belongs to the band, lowest band first."""

EXCEPTIONAL = Band("exceptional", "Exceptional automated testing and monitoring.")


def band_of(score: float) -> Band:
    """The band of a score between 0 and 7."""
    if score <= 0:
        return UNTESTED
    return next((band for limit, band in BANDS if score <= limit), EXCEPTIONAL)
