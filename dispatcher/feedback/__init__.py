"""What the LIS is told of its files and of what became of them: events, and how each language says them."""
