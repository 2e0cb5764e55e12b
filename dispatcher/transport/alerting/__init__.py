"""Ways by which a person is told of an alarm. Nothing here knows what an alarm is about."""
