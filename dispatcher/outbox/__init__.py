"""Rules of the outbox: states, batches, pace, retries. Pure: time is an argument."""
