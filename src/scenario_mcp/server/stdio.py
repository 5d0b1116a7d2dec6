"""Serving over the pipes to one host, until the host or a signal says stop."""

import io
import logging
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

from scenario_mcp.server.pipes import Pipes

if TYPE_CHECKING:
    from mcp.server import Server

    from scenario_mcp.tools.services import Services


logger = logging.getLogger(__name__)


class _Incoming:
    """The lines of a host, those first that were read already."""

    def __init__(self, pipes: Pipes) -> None:
        self._replayed, self._rest = _text(io.BytesIO(pipes.replayed)), _text(pipes.reader)

    def readline(self) -> str:
        return self._replayed.readline() or self._rest.readline()


def _text(lines: Any) -> io.TextIOWrapper:
    return io.TextIOWrapper(lines, encoding="utf-8", errors="replace")


class _Outgoing:
    """The lines for a host, without the one that it was told already."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes

    def write(self, line: str) -> None:
        if self._pipes.dropped is not None and f'"{self._pipes.dropped}"' in line:
            self._pipes.dropped = None
            return
        self._pipes.writer.write(line.encode())

    def flush(self) -> None:
        self._pipes.writer.flush()


def serve(server: "Server[Any]", services: "Services", pipes: Pipes) -> NoReturn:
    """Serve one host until it closes stdin or sends a signal, then end the process.

    The process ends at once: a thread that waits for stdin cannot be stopped, and nothing is left to tidy up.
    """
    import anyio

    status = 1
    try:
        anyio.run(_serve, server, services, pipes)
        status = 0
    except BaseException:  # whatever it is, the process must not stay behind with a thread that waits for stdin
        logger.exception("The connection to the host broke")
    finally:
        _exit(status)


async def _serve(server: "Server[Any]", services: "Services", pipes: Pipes) -> None:
    import anyio
    from mcp.server.stdio import stdio_server

    # The SDK reads lines, writes and flushes: of a whole file nothing else is asked.
    lines_in: anyio.AsyncFile[str] = anyio.AsyncFile(cast("Any", _Incoming(pipes)))
    lines_out: anyio.AsyncFile[str] = anyio.AsyncFile(cast("Any", _Outgoing(pipes)))
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # Windows has no signals to receive; its hosts end the process
            tasks.start_soon(_exit_on_signal, services)
        async with stdio_server(lines_in, lines_out) as (incoming, outgoing):
            try:
                await server.run(incoming, outgoing, server.create_initialization_options())
            except anyio.get_cancelled_exc_class():  # stdout broke; to leave from here would wait for stdin
                logger.error("The host stopped listening")
                with anyio.CancelScope(shield=True):
                    await services.purchases.settle()
                _exit(1)
        await services.purchases.settle()
        await services.client.aclose()
        tasks.cancel_scope.cancel()


async def _exit_on_signal(services: "Services") -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await services.purchases.settle()
            _exit(128 + number)


def _exit(status: int) -> NoReturn:
    with suppress(AttributeError, OSError):  # a host may have closed stderr, or never opened it
        sys.stderr.flush()
    os._exit(status)
