"""A host in memory, that speaks with a server through its pipes as with a process, and starts it in either way."""

import io
import json
from collections.abc import Iterable
from threading import Event
from typing import Any, BinaryIO, cast

import anyio

from scenario_mcp.scenario.client import Client
from scenario_mcp.server import faststart, stdio
from scenario_mcp.server.app import create_server
from scenario_mcp.server.pipes import Pipes
from scenario_mcp.tools.services import services_over
from support.stdio import PATIENCE


class _Mouth(io.RawIOBase):
    """What a host sends: its lines at once, then nothing more until it hangs up."""

    def __init__(self, lines: Iterable[bytes], hung_up: Event) -> None:
        self._lines = io.BytesIO(b"".join(line + b"\n" for line in lines))
        self._hung_up = hung_up

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._lines.readinto(buffer)
        if count == 0:
            self._hung_up.wait(PATIENCE)
        return count


class _Ears:
    """What a host hears; it hangs up with the last of the answers that it waits for."""

    def __init__(self, awaited: Iterable[str], hung_up: Event) -> None:
        self.messages: list[dict[str, Any]] = []
        self._awaited = set(awaited)
        self._hung_up = hung_up

    def write(self, line: bytes) -> None:
        message = json.loads(line)
        self.messages.append(message)
        self._awaited.discard(message.get("id", ""))
        if not self._awaited:
            self._hung_up.set()

    def flush(self) -> None:
        """Nothing is kept back."""


async def conversation(
    lines: Iterable[bytes], awaited: Iterable[str], *, fast: bool, toolsets: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Send lines at once, hang up when the requests with the ids `awaited` are answered, and give all answers.

    One of the lines must be one that the fast start leaves to the SDK: else it would end the process with the last.
    """
    hung_up = Event()
    ears = _Ears(awaited, hung_up)
    pipes = Pipes(cast("BinaryIO", io.BufferedReader(_Mouth(lines, hung_up))), cast("BinaryIO", ears))
    if fast:
        faststart.open_with(pipes, toolsets, lambda: None)
    services = services_over(Client("https://unused.example", None), 45, toolsets=tuple(toolsets))
    hung_up_too = anyio.Event()
    await stdio._serve(create_server(services, hung_up=hung_up_too), services, pipes, hung_up_too)
    return ears.messages
