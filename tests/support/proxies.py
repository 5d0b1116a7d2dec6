"""A proxy on loopback that speaks HTTP and SOCKS 5, and leads to one server whatever it is asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """One proxy: `asked` is what connections were asked for, as `http api.example:443`."""

    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socks(self) -> str:
        return f"socks5://127.0.0.1:{self.port}"


@asynccontextmanager
async def proxying(target: int) -> AsyncIterator[Proxy]:
    """Serve a proxy that connects to a port of this machine."""
    proxy = Proxy()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the other side left
            proxy.asked.append(await _greeted(reader, writer))
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", target)
            writers.append(onward)
            await asyncio.gather(_relay(reader, onward), _relay(onward_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*tasks)
        for writer in writers:
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Let a client in without a password: https://www.rfc-editor.org/rfc/rfc1928."""
    first = await reader.readexactly(1)
    if first != b"\x05":
        head = first + await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return f"http {head.split()[1].decode()}"
    await reader.readexactly((await reader.readexactly(1))[0])
    writer.write(b"\x05\x00")
    _, _, _, kind, length = await reader.readexactly(5)
    assert kind == 3, "a name was to be looked up by the proxy"
    host, port = await reader.readexactly(length), int.from_bytes(await reader.readexactly(2), "big")
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    return f"socks {host.decode()}:{port}"


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    writer.close()
