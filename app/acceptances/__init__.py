"""Exceptions that take two people: what a test finds and is accepted, and tests that do not apply to a model."""
