"""A host that starts the real server as a subprocess and speaks raw JSON-RPC with it, line by line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from support.worlds import SANDBOX_CREDENTIALS

VERSIONS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
INFO = {"name": "test-host", "version": "1"}
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": VERSIONS["modern"],
    "io.modelcontextprotocol/clientInfo": INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}
PATIENCE = 50.0  # seconds that any answer may take on a busy machine; less than what a test may take

# Whatever a library prints, in three ways, at the moment of every connection.
NOISY = """
import os, sys
def noise(event, args):
    if event == "socket.connect":
        print("printed noise"); os.write(1, b"written noise\\n"); os.system("echo noise of a child")
        assert os.read(0, 1) == b"", "a library read what belongs to the protocol"
sys.addaudithook(noise)
from scenario_mcp.commands.start import main
sys.exit(main(sys.argv[1:]))
"""


def environment(base_url: str | None = None, **more: str) -> dict[str, str]:
    """An environment with nothing of ours in it but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCENARIO_")}
    if base_url is not None:
        key, secret = SANDBOX_CREDENTIALS
        kept |= {"SCENARIO_BASE_URL": base_url, "SCENARIO_API_KEY": key, "SCENARIO_API_SECRET": secret}
    return kept | more


def data_in(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give the data of a raw result, from where it stands."""
    data: dict[str, Any] = result.get("structuredContent") or result["_meta"]["scenario-mcp/result"]
    return data


class StdioHost:
    """One running server: `lines` is everything that it wrote to stdout."""

    def __init__(self, process: asyncio.subprocess.Process, era: str) -> None:
        self.process = process
        self.era = era
        self.lines: list[str] = []
        self._next_id = 0

    async def hello(self) -> dict[str, Any]:
        """Open the connection the way the era does."""
        if self.era == "modern":
            return await self.request("server/discover")
        params = {"protocolVersion": VERSIONS["legacy"], "capabilities": {}, "clientInfo": INFO}
        answer = await self.request("initialize", params)
        self.write({"method": "notifications/initialized"})
        return answer

    def write(self, *messages: Mapping[str, Any]) -> None:
        """Send messages in one write, so that they arrive together."""
        lines = b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)
        assert self.process.stdin is not None
        self.process.stdin.write(lines)

    def begin(self, method: str, params: Mapping[str, Any] | None = None, token: str | None = None) -> int:
        """Send a request without waiting for its answer, and give its id."""
        message = self.message(method, params, token)
        self.write(message)
        return int(message["id"])

    def message(self, method: str, params: Mapping[str, Any] | None = None, token: str | None = None) -> dict[str, Any]:
        """Make a request with the next id, as the era wants it."""
        self._next_id += 1
        meta = dict(MODERN_META) if self.era == "modern" else {}
        if token is not None:
            meta["progressToken"] = token
        return {"id": self._next_id, "method": method, "params": {**(params or {}), "_meta": meta}}

    async def read(self, patience: float = PATIENCE) -> dict[str, Any] | None:
        """Read the next message; None at the end of the stream."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), patience)
        if not line:
            return None
        self.lines.append(line.decode())
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def answer_to(self, request_id: int, patience: float = PATIENCE) -> dict[str, Any]:
        while (message := await self.read(patience)) is not None:
            if message.get("id") == request_id:
                return message
        raise AssertionError("the server ended without an answer")

    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        token: str | None = None,
        patience: float = PATIENCE,
    ) -> dict[str, Any]:
        return await self.answer_to(self.begin(method, params, token), patience)

    async def call_together(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        """Call tools in one write, and give their results in the order of the calls."""
        messages = [self.message("tools/call", {"name": name, "arguments": arguments}) for name, arguments in calls]
        self.write(*messages)
        answers: dict[int, dict[str, Any]] = {}
        while len(answers) < len(messages):
            answer = await self.read()
            assert answer is not None, "the server ended without all answers"
            if "result" in answer:
                answers[answer["id"]] = answer["result"]
        return [answers[message["id"]] for message in messages]

    def hang_up(self) -> None:
        """Close the server's stdout from this side, as a host does that dies."""
        self.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # no public way

    async def stderr(self) -> str:
        """Read what the server wrote to stderr, to its end."""
        assert self.process.stderr is not None
        return (await asyncio.wait_for(self.process.stderr.read(), PATIENCE)).decode()

    async def ended(self) -> int:
        """Wait for the end of the process and give its exit status; what it still writes must be JSON-RPC too."""
        while await self.read() is not None:
            pass
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@asynccontextmanager
async def running_command(
    command: Sequence[str], era: str = "legacy", *, environ: Mapping[str, str], cwd: Path | None = None
) -> AsyncIterator[StdioHost]:
    """Start a server by its whole command line."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environ),
        cwd=cwd,
        limit=2**24,
    )
    host = StdioHost(process, era)
    try:
        yield host
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # else its pipes warn when collected


def running(
    era: str = "legacy", *, environ: Mapping[str, str], args: tuple[str, ...] = (), noisy: bool = False
) -> AbstractAsyncContextManager[StdioHost]:
    """Start the server of this very code."""
    command = ["-c", NOISY] if noisy else ["-m", "scenario_mcp"]
    return running_command([sys.executable, *command, *args], era, environ=environ)
