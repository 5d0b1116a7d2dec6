"""What may be spent, and the one way to spend it."""
