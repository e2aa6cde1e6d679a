"""The four delivery metrics of models, each beside its DevOps twin: what is measured, and from which facts.

docs/delivery-metrics.md explains every choice made here.
"""
