"""Continuous training: what goes wrong in service asks for a new version, which is audited and gated."""
