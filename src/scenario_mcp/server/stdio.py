"""Serving over the pipes to one host, until the host or a signal says stop."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp import types
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from scenario_mcp.server import lines
from scenario_mcp.server.lines import Refusal
from scenario_mcp.server.pipes import Pipes

if TYPE_CHECKING:
    from mcp.server import Server

    from scenario_mcp.tools.services import Services

logger = logging.getLogger(__name__)

# What was asked gets so long when a host hangs up, a paid request under way among it. Calls that wait for a job tell of
# it by then; not sooner, since clients that gave up on a call break over an answer, and end this process after 2 s.
LAST_SECONDS, TO_TELL = 3.0, 0.5

NOT_OPEN = (
    "The connection is not open yet. It opens with initialize, or with requests that carry the _meta of 2026-07-28."
)

Incoming = SessionMessage | Exception  # the SDK takes exceptions too; none is sent here
Outgoing = SessionMessage | Refusal


class _Unanswered:
    """The requests of a host that are not answered yet.

    `closing` says that nothing else is told to it any more, `over` that nothing is.
    """

    def __init__(self) -> None:
        self.closing = self.over = False
        self.waited = 0.0  # seconds
        self._ids: set[types.RequestId] = set()
        self._answered = anyio.Event()

    def read(self, message: types.JSONRPCMessage) -> None:
        """Note a request, and that nobody waits for one that was canceled."""
        if isinstance(message, types.JSONRPCRequest):
            self._ids.add(message.id)
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            canceled = (message.params or {}).get("requestId")  # whatever a host wrote there
            self._ids = {each for each in self._ids if each != canceled}

    def written(self, message: types.JSONRPCMessage) -> None:
        """Note an answer."""
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError) and message.id is not None:
            self._ids.discard(message.id)
            self._answered.set()

    async def wait(self, seconds: float) -> None:
        """Wait until all are answered, for so many seconds at most."""
        began = anyio.current_time()
        with anyio.move_on_after(seconds):
            while self._ids:
                self._answered = anyio.Event()
                await self._answered.wait()
        self.waited += anyio.current_time() - began


async def _read(
    pipes: Pipes,
    to_server: ObjectSendStream[Incoming],
    to_host: ObjectSendStream[Outgoing],
    unanswered: _Unanswered,
    hung_up: anyio.Event,
) -> None:
    """Give the server what a host writes, and the host an answer to what cannot be served, until stdin ends."""
    thread = CapacityLimiter(1)  # of its own: calls may hold all others
    opening = True  # until a request has fixed the era of the protocol
    async with to_server, to_host:
        while line := await to_thread.run_sync(pipes.read, limiter=thread, abandon_on_cancel=True):
            given = _message(line)
            request = given.message if isinstance(given, SessionMessage) else None
            if opening and isinstance(request, types.JSONRPCRequest):
                answer = _answer_to_no_opening(request)
                opening = answer is not None
            else:
                answer = given if isinstance(given, Refusal) else None
            if answer is not None:
                logger.debug("A line was answered at once: %s", getattr(answer, "reason", "ping"))
                await to_host.send(answer)
            elif isinstance(given, SessionMessage):
                unanswered.read(given.message)
                await to_server.send(given)
        unanswered.closing = True
        await unanswered.wait(LAST_SECONDS - TO_TELL)
        hung_up.set()
        await unanswered.wait(TO_TELL)
        unanswered.over = True


def _message(line: bytes) -> SessionMessage | Refusal | None:
    content = lines.read(line)
    if content is None or isinstance(content, Refusal):
        return content
    is_response = lines.is_response(content)
    content = lines.with_read_arguments(content)
    if isinstance(content, Refusal):
        return content if content.id is not None else None
    try:
        return SessionMessage(_kind(content, is_response=is_response).model_validate(content, by_name=False))
    except ValidationError:
        return None if is_response else lines.no_message(content)


def _answer_to_no_opening(request: types.JSONRPCRequest) -> Outgoing | None:
    """Answer a request that opens no connection of any version, since the SDK would fix the era by it for good."""
    meta = (request.params or {}).get("_meta")
    if request.method == "initialize":
        return None
    if isinstance(meta, Mapping) and types.PROTOCOL_VERSION_META_KEY in meta:
        route = classify_inbound_request({"method": request.method, "params": request.params})
        if isinstance(route, InboundLadderRejection):
            return Refusal(route.code, route.message, request.id, route.data)
        return None
    if request.method == "ping":  # which hosts may send before anything else
        return SessionMessage(types.JSONRPCResponse(jsonrpc="2.0", id=request.id, result={}))
    if request.method == "server/discover":
        return Refusal(types.METHOD_NOT_FOUND, "Method not found", request.id, request.method)
    return Refusal(lines.INVALID_REQUEST, NOT_OPEN, request.id)


def _kind(message: Mapping[str, Any], *, is_response: bool) -> type[types.JSONRPCMessage]:
    """Tell what a message is; the SDK would take a request for something else, in silence, rather than refuse it."""
    if is_response:
        return types.JSONRPCError if "error" in message else types.JSONRPCResponse
    return types.JSONRPCRequest if "id" in message else types.JSONRPCNotification


async def _write(pipes: Pipes, to_host: ObjectReceiveStream[Outgoing], unanswered: _Unanswered) -> None:
    """Write to a host line by line, without the one that it was told already, and nothing once it is over."""
    thread = CapacityLimiter(1)
    async with to_host:
        async for each in to_host:
            is_answer = isinstance(each, Refusal) or not isinstance(each.message, types.JSONRPCNotification)
            if unanswered.over or (unanswered.closing and not is_answer):
                continue
            if isinstance(each, Refusal):
                line = each.response()
            elif pipes.dropped is not None and getattr(each.message, "id", None) == pipes.dropped:
                pipes.dropped = None
                unanswered.written(each.message)
                continue
            else:
                line = each.message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            await to_thread.run_sync(pipes.write, line, limiter=thread)
            if isinstance(each, SessionMessage):
                unanswered.written(each.message)


def serve(server: "Server[Any]", services: "Services", pipes: Pipes, hung_up: anyio.Event) -> NoReturn:
    """Serve one host until it closes stdin or sends a signal, then end the process.

    What it asked before it closed stdin is answered, in some seconds and at last with what is known by then, for which
    `hung_up` is set. What would take longer is given up, and nothing is written for it.

    The process ends at once: a thread that waits for stdin cannot be stopped, and nothing is left to tidy up.
    """
    status = 1
    try:
        anyio.run(_serve, server, services, pipes, hung_up)
        status = 0
    except BaseException:  # whatever it is, the process must not stay behind with a thread that waits for stdin
        logger.exception("The connection to the host broke")
    finally:
        _exit(status)


async def _serve(server: "Server[Any]", services: "Services", pipes: Pipes, hung_up: anyio.Event) -> None:
    unanswered = _Unanswered()
    to_server, incoming = anyio.create_memory_object_stream[Incoming](0)
    to_host, outgoing = anyio.create_memory_object_stream[Outgoing](0)
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # Windows has no signals to receive; its hosts end the process
            tasks.start_soon(_exit_on_signal, services)
        async with anyio.create_task_group() as wires:
            wires.start_soon(_read, pipes, to_server, to_host.clone(), unanswered, hung_up)
            wires.start_soon(_write, pipes, outgoing, unanswered)
            try:
                await server.run(incoming, to_host, server.create_initialization_options())
            except anyio.get_cancelled_exc_class():  # stdout broke; to leave from here would wait for stdin
                logger.error("The host stopped listening")
                with anyio.CancelScope(shield=True):
                    await services.purchases.settle()
                _exit(1)
        await services.purchases.settle(max(0.0, LAST_SECONDS - unanswered.waited))
        await services.client.aclose()
        tasks.cancel_scope.cancel()


async def _exit_on_signal(services: "Services") -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await services.purchases.settle()
            _exit(128 + number)


def _exit(status: int) -> NoReturn:
    logging.shutdown()  # which lets the log be written
    os._exit(status)
