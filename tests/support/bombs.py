"""Replies that are made to hurt whoever reads them, and a way to see whether they did."""

import asyncio
import gc
import gzip
import struct
import tracemalloc
import zlib
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import process_time

import httpx

from support.hostile import Behaviour, Requests
from support.network import Deliver, Fault

JOB = b'{"job": {"jobId": "job_real"}}'


def answering(body: bytes, *headers: str, status: int = 200) -> Behaviour:
    """Answer every request with the same bytes, as they are."""
    head = [f"HTTP/1.1 {status} As you like", *headers, f"Content-Length: {len(body)}", "", ""]
    return sending("\r\n".join(head).encode() + body)


def sending(raw: bytes) -> Behaviour:
    """Send the same bytes after every request, whatever they are."""

    async def behaviour(requests: Requests, writer: Writer) -> None:
        while True:
            await requests.next()
            writer.write(raw)
            await writer.drain()

    return behaviour


def dripping(beginning: bytes, drop: bytes, seconds: float) -> Behaviour:
    """Begin an answer, and never come to its end."""

    async def behaviour(requests: Requests, writer: Writer) -> None:
        await requests.next()
        writer.write(beginning)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(seconds)  # real sockets: a slow sender is slow in real time

    return behaviour


def coded(body: bytes, coding: str, status: int = 200) -> Fault:
    """Let a request arrive, and answer it with a body that is said to be coded so."""

    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        return httpx.Response(status, headers={"content-encoding": coding}, stream=httpx.ByteStream(body))

    return fault


def zeros(megabytes: int, codings: int = 1) -> bytes:
    """Compress zeros, several times over, in less time than it takes to inflate them."""
    deflate = zlib.compressobj(wbits=-15)
    one = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    content = bytes(megabytes * 2**20)
    end = struct.pack("<II", zlib.crc32(content), len(content))
    packed = gzip.compress(b"")[:10] + one * megabytes + deflate.flush() + end
    for _ in range(codings - 1):
        packed = gzip.compress(packed)
    return packed


@contextmanager
def peak() -> Iterator[list[float]]:
    """Measure the most memory that was taken at once, in MB; it is in the list when the block has ended."""
    found: list[float] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1] / 2**20)
    finally:
        tracemalloc.stop()


@dataclass
class Heart:
    """Beats while the event loop turns; `pause` is the longest time that this process worked on without a beat.

    In seconds of its own work, whatever else the machine does.
    """

    pause: float = 0.0


@asynccontextmanager
async def heart() -> AsyncIterator[Heart]:
    beating = Heart()

    async def beat() -> None:
        last = process_time()
        while True:
            await asyncio.sleep(0.001)
            now = process_time()
            beating.pause = max(beating.pause, now - last)
            last = now

    gc.collect()
    gc.freeze()  # as a server does: what all other tests have left is not looked through again and again
    task = asyncio.create_task(beat())
    try:
        await asyncio.sleep(0)
        yield beating
        await asyncio.sleep(0.002)  # a beat that was due is counted
    finally:
        task.cancel()
        gc.unfreeze()
