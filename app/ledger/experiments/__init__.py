"""Experiments of pipelines: which is best, and how two differ."""
