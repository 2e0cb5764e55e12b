"""Who receives a report, at which address, by which channel, in which format, and why. Pure rules."""
