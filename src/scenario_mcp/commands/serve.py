"""Serve MCP on stdin and stdout."""

import gc
from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

from scenario_mcp.server.pipes import Pipes, claim
from scenario_mcp.settings import Settings


def run(settings: Settings, *, sandbox: bool) -> int:
    """Serve one host until it leaves; the process ends here."""
    pipes = claim()
    prepare(settings, sandbox=sandbox)(pipes)


def prepare(settings: Settings, *, sandbox: bool) -> Callable[[Pipes], NoReturn]:
    """Import and make all that serving needs, which takes most of a start; give what then serves a host."""
    load()

    import anyio

    from scenario_mcp.commands.wiring import sandboxed, services_for
    from scenario_mcp.server import stdio
    from scenario_mcp.server.app import create_server

    hung_up = anyio.Event()
    open_until_the_end = ExitStack()
    chosen = open_until_the_end.enter_context(sandboxed(settings, sandbox=sandbox))
    services = services_for(chosen)
    server = create_server(services, sandbox=chosen.sandbox, links=settings.result_links, hung_up=hung_up)

    def serve(pipes: Pipes) -> NoReturn:
        with open_until_the_end:
            stdio.serve(server, services, pipes, hung_up)

    return serve


def load() -> None:
    """Import all that serving needs."""
    gc.disable()  # to look for garbage again and again among modules costs a tenth of the import
    try:
        import asyncio  # noqa: F401  # anyio would import it later

        from scenario_mcp.commands import wiring  # noqa: F401
        from scenario_mcp.server import app, stdio  # noqa: F401
    finally:
        gc.enable()
    gc.freeze()  # modules stay for good
