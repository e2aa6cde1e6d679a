"""Scorecards of pipelines: how far they are automated, what they leave behind, what they rely on."""
