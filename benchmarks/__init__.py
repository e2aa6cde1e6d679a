"""Figures that README and docs quote; each module prints its own lines. ``python -m benchmarks`` runs them all."""
