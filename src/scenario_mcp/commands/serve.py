"""Serve MCP on stdin and stdout."""

from scenario_mcp.server import stdio
from scenario_mcp.settings import Settings


def run(settings: Settings, *, sandbox: bool) -> int:
    """Serve one host until it leaves; the process ends here."""
    wire_in, wire_out = stdio.claim_wire()

    from scenario_mcp.commands.wiring import sandboxed, services_for
    from scenario_mcp.server.app import create_server

    with sandboxed(settings, sandbox=sandbox) as chosen:
        services = services_for(chosen)
        stdio.serve(create_server(services, sandbox=chosen.sandbox), services, wire_in, wire_out)
