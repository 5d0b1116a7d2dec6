"""Real TCP servers that misbehave, on loopback."""

import asyncio
import gzip
import socket
import ssl
import struct
from asyncio import StreamReader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


class Requests:
    """Reads the requests of one connection, and writes down their heads."""

    def __init__(self, reader: StreamReader, hostile: "Hostile") -> None:
        self._reader = reader
        self._hostile = hostile

    async def next(self) -> str:
        """Read one whole request and give its head."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line.partition(":")[2] for line in head.splitlines() if line.lower().startswith("content-length")]
        if lengths:
            await self._reader.readexactly(int(lengths[0]))
        self._hostile.requests.append(head)
        async with self._hostile.changed:
            self._hostile.changed.notify_all()
        return head


Behaviour = Callable[[Requests, Writer], Awaitable[None]]


@dataclass
class Hostile:
    """One server: `requests` holds the head of each request that it read, `closed` tells that a connection ended."""

    behaviour: Behaviour
    port: int = 0
    requests: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def has_read_one(self, beginning: str) -> None:
        """Wait until a request was read that begins so."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: any(head.startswith(beginning) for head in self.requests))

    async def has_read(self, count: int) -> None:
        """Wait until so many requests were read."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.requests) >= count)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hostile]:
    hostile = Hostile(behaviour)

    connections: dict[asyncio.Task[Any], Writer] = {}

    async def connected(reader: StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        try:
            await behaviour(Requests(reader, hostile), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side left
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            hostile.closed.set()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    hostile.port = server.sockets[0].getsockname()[1]
    try:
        yield hostile
    finally:
        server.close()
        for task, writer in connections.items():  # from Python 3.12 on the end of a server waits for them
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


def _reset(writer: Writer) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def resets_at_once(requests: Requests, writer: Writer) -> None:
    _reset(writer)


async def resets_after_reading(requests: Requests, writer: Writer) -> None:
    await requests.next()
    _reset(writer)


async def answers_reads_but_no_generation(requests: Requests, writer: Writer) -> None:
    while not (await requests.next()).startswith("POST"):
        body = b'{"reason": "no such thing"}'
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    await asyncio.Event().wait()


async def closes_without_answer(requests: Requests, writer: Writer) -> None:
    await requests.next()


async def answers_garbage(requests: Requests, writer: Writer) -> None:
    await requests.next()
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()


async def cuts_the_body(requests: Requests, writer: Writer) -> None:
    await requests.next()
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"job": {"jobId"')
    await writer.drain()


async def cuts_a_chunked_body(requests: Requests, writer: Writer) -> None:
    await requests.next()
    writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"job": \r\n')
    await writer.drain()


async def lies_about_gzip(requests: Requests, writer: Writer) -> None:
    await requests.next()
    await _respond(writer, b"this is not gzip", "Content-Encoding: gzip\r\n")


async def sends_a_gzip_bomb(requests: Requests, writer: Writer) -> None:
    await requests.next()
    await _respond(writer, gzip.compress(b" " * (64 * 2**20)), "Content-Encoding: gzip\r\n")


async def closes_after_each_answer(requests: Requests, writer: Writer) -> None:
    """Promise to keep the connection and close it all the same, as a gateway does with idle ones."""
    await requests.next()
    await _respond(writer, b'{"job": {"jobId": "job_real"}}')


async def _respond(writer: Writer, body: bytes, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def reads_and_never_answers(requests: Requests, writer: Writer) -> None:
    await requests.next()
    await asyncio.Event().wait()


class Crowd:
    """Answers only when so many connections wait at once, or when nobody more comes; `most` is the record."""

    def __init__(self, size: int) -> None:
        self.most = 0
        self._size = size
        self._waiting = 0
        self._full = asyncio.Event()

    async def __call__(self, requests: Requests, writer: Writer) -> None:
        while True:
            await requests.next()
            self._waiting += 1
            self.most = max(self.most, self._waiting)
            if self._waiting == self._size:
                self._full.set()
            await self._full.wait()
            await asyncio.sleep(0)
            self._waiting -= 1
            await _respond(writer, b"{}")
