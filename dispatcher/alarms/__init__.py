"""Alarms: which facts are one, and when a person is told. Pure: facts, thresholds and the time are handed in."""
