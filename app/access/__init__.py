"""Tokens, roles, sign-in and the audit log."""
