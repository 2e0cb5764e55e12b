"""The service process: start, schedule, workers, clean stop."""
