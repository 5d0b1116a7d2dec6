"""MCP server for making images with Scenario (scenario.com)."""

__version__ = "0.1.0"
