"""The shell: the only rooms that print."""
