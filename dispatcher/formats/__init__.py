"""File formats: bytes to reports and reports to bytes. Pure: no disk, no clock, no network."""
