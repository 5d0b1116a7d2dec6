"""Serving over the pipes to one host, until the host or a signal says stop."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp import types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from scenario_mcp.server import lines
from scenario_mcp.server.lines import Refusal
from scenario_mcp.server.pipes import Pipes

if TYPE_CHECKING:
    from mcp.server import Server

    from scenario_mcp.tools.services import Services

logger = logging.getLogger(__name__)

Incoming = SessionMessage | Exception  # the SDK takes exceptions too; none is sent here
Outgoing = SessionMessage | Refusal


async def _read(pipes: Pipes, to_server: ObjectSendStream[Incoming], to_host: ObjectSendStream[Outgoing]) -> None:
    """Give the server what a host writes, and the host an answer to what cannot be served, until stdin ends."""
    thread = CapacityLimiter(1)  # of its own: calls may hold all others
    async with to_server, to_host:
        while line := await to_thread.run_sync(pipes.read, limiter=thread, abandon_on_cancel=True):
            message = _message(line)
            if isinstance(message, Refusal):
                logger.debug("A line was refused: %s", message.reason)
                await to_host.send(message)
            elif message is not None:
                await to_server.send(message)


def _message(line: bytes) -> SessionMessage | Refusal | None:
    content = lines.read(line)
    if content is None or isinstance(content, Refusal):
        return content
    is_response = lines.is_response(content)
    try:
        return SessionMessage(_kind(content, is_response=is_response).model_validate(content, by_name=False))
    except ValidationError:
        return None if is_response else lines.no_message(content)


def _kind(message: Mapping[str, Any], *, is_response: bool) -> type[types.JSONRPCMessage]:
    """Tell what a message is; the SDK would take a request for something else, in silence, rather than refuse it."""
    if is_response:
        return types.JSONRPCError if "error" in message else types.JSONRPCResponse
    return types.JSONRPCRequest if "id" in message else types.JSONRPCNotification


async def _write(pipes: Pipes, to_host: ObjectReceiveStream[Outgoing]) -> None:
    """Write to a host line by line, without the one that it was told already."""
    thread = CapacityLimiter(1)
    async with to_host:
        async for each in to_host:
            if isinstance(each, Refusal):
                line = each.response()
            elif pipes.dropped is not None and getattr(each.message, "id", None) == pipes.dropped:
                pipes.dropped = None
                continue
            else:
                line = each.message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            await to_thread.run_sync(pipes.write, line, limiter=thread)


def serve(server: "Server[Any]", services: "Services", pipes: Pipes) -> NoReturn:
    """Serve one host until it closes stdin or sends a signal, then end the process.

    The process ends at once: a thread that waits for stdin cannot be stopped, and nothing is left to tidy up.
    """
    status = 1
    try:
        anyio.run(_serve, server, services, pipes)
        status = 0
    except BaseException:  # whatever it is, the process must not stay behind with a thread that waits for stdin
        logger.exception("The connection to the host broke")
    finally:
        _exit(status)


async def _serve(server: "Server[Any]", services: "Services", pipes: Pipes) -> None:
    to_server, incoming = anyio.create_memory_object_stream[Incoming](0)
    to_host, outgoing = anyio.create_memory_object_stream[Outgoing](0)
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # Windows has no signals to receive; its hosts end the process
            tasks.start_soon(_exit_on_signal, services)
        async with anyio.create_task_group() as wires:
            wires.start_soon(_read, pipes, to_server, to_host.clone())
            wires.start_soon(_write, pipes, outgoing)
            try:
                await server.run(incoming, to_host, server.create_initialization_options())
            except anyio.get_cancelled_exc_class():  # stdout broke; to leave from here would wait for stdin
                logger.error("The host stopped listening")
                with anyio.CancelScope(shield=True):
                    await services.purchases.settle()
                _exit(1)
        await services.purchases.settle()
        await services.client.aclose()
        tasks.cancel_scope.cancel()


async def _exit_on_signal(services: "Services") -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await services.purchases.settle()
            _exit(128 + number)


def _exit(status: int) -> NoReturn:
    with suppress(AttributeError, OSError):  # a host may have closed stderr, or never opened it
        sys.stderr.flush()
    os._exit(status)
