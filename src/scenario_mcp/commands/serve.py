"""Serve MCP on stdin and stdout."""

import gc

from scenario_mcp.server.pipes import Pipes, claim
from scenario_mcp.settings import Settings


def load() -> None:
    """Import all that serving needs, which takes most of a start."""
    gc.disable()  # to look for garbage again and again among modules costs a tenth of the import
    try:
        import asyncio  # noqa: F401  # anyio would import it later

        from scenario_mcp.commands import wiring  # noqa: F401
        from scenario_mcp.server import app, stdio  # noqa: F401
    finally:
        gc.enable()
    gc.freeze()  # modules stay for good


def run(settings: Settings, *, sandbox: bool, pipes: Pipes | None = None) -> int:
    """Serve one host until it leaves; the process ends here."""
    pipes = pipes or claim()
    load()

    from scenario_mcp.commands.wiring import sandboxed, services_for
    from scenario_mcp.server import stdio
    from scenario_mcp.server.app import create_server

    with sandboxed(settings, sandbox=sandbox) as chosen:
        services = services_for(chosen)
        stdio.serve(create_server(services, sandbox=chosen.sandbox), services, pipes)
