"""Conditions of the gate that one person asks to be excused for a while, and another approves."""
