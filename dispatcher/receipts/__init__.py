"""What comes back: delivery notices, read notices, and which dispatch they speak of. Pure."""
