"""Serving over stdin and stdout, which belong to JSON-RPC alone, until the host or a signal says stop."""

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from mcp.server import Server

    from scenario_mcp.tools.services import Services


SETTLE_SECONDS = 3.0  # that a paid request under way gets to be answered when the server ends

logger = logging.getLogger(__name__)


def claim_wire() -> tuple[TextIO, TextIO]:
    """Take stdin and stdout for the protocol: from now on, prints land on stderr and stray reads find nothing."""
    wire_in = os.fdopen(os.dup(0), "r", encoding="utf-8", errors="replace")
    wire_out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # what a library prints shows at once, and in order
    return wire_in, wire_out


def serve(server: "Server[Any]", services: "Services", wire_in: TextIO, wire_out: TextIO) -> NoReturn:
    """Serve one host until it closes stdin or sends a signal, then end the process.

    The process ends at once: a thread that waits for stdin cannot be stopped, and nothing is left to tidy up.
    """
    import anyio

    status = 1
    try:
        anyio.run(_serve, server, services, wire_in, wire_out)
        status = 0
    except BaseException:  # whatever it is, the process must not stay behind with a thread that waits for stdin
        logger.exception("The connection to the host broke")
    finally:
        _exit(status)


async def _serve(server: "Server[Any]", services: "Services", wire_in: TextIO, wire_out: TextIO) -> None:
    import anyio
    from mcp.server.stdio import stdio_server

    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # Windows has no signals to receive; its hosts end the process
            tasks.start_soon(_exit_on_signal, services)
        async with stdio_server(anyio.wrap_file(wire_in), anyio.wrap_file(wire_out)) as (incoming, outgoing):
            try:
                await server.run(incoming, outgoing, server.create_initialization_options())
            except anyio.get_cancelled_exc_class():  # stdout broke; to leave from here would wait for stdin
                logger.error("The host stopped listening")
                with anyio.CancelScope(shield=True):
                    await services.purchases.settle(SETTLE_SECONDS)
                _exit(1)
        await services.purchases.settle(SETTLE_SECONDS)
        await services.client.aclose()
        tasks.cancel_scope.cancel()


async def _exit_on_signal(services: "Services") -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await services.purchases.settle(SETTLE_SECONDS)
            _exit(128 + number)


def _exit(status: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(status)
