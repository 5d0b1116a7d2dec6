"""How the tools are served over MCP."""
