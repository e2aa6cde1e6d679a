"""Readings of a history: pure functions that say what is practised, with the evidence, and what is missing."""
