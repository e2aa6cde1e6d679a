"""Collectors: each turns what one tool recorded into a document that can be handed in.

They run where CI's job runs, with its access to the tools; the service imports none of them.
"""
