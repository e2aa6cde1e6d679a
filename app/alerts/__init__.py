"""Telling people: alerts, subscriptions, the outbox and its channels."""
