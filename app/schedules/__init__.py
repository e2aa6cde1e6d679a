"""Audits that nobody has to ask for: schedules, their slots, and the one process that follows them."""
