"""What each tool does, its input beside it."""
