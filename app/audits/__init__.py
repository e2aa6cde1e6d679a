"""Audits: the queue, the attempt's own process, and what turns stored things into what a check asks for."""
