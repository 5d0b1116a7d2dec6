"""The API: what Scenario speaks, and how to ask it without paying twice."""
