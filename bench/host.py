"""A host that starts a server and speaks JSON-RPC with it over its pipes, one line at a time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OURS = (str(Path(sys.executable).with_name("scenario-mcp")),)
MINIMAL = (sys.executable, str(Path(__file__).with_name("minimal.py")))
INFO = {"name": "bench", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}
HANDSHAKE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}


class Host:
    """One running server; times are seconds since it was spawned."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], *, modern: bool = False) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SCENARIO_")}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, env={**kept, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._modern = modern
        self._next_id = 0

    def hello(self) -> dict[str, Any]:
        """Open the connection the way the era does."""
        if self._modern:
            return self.request("server/discover")
        answer = self.request("initialize", HANDSHAKE)
        self._write({"method": "notifications/initialized"})
        return answer

    def begin(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request, and give its id."""
        self._next_id += 1
        said = {**(params or {}), **({"_meta": ENVELOPE} if self._modern else {})}
        self._write({"id": self._next_id, "method": method, "params": said})
        return self._next_id

    def read(self) -> dict[str, Any]:
        """Read the next answer; notifications are passed over."""
        assert self.process.stdout is not None
        while True:
            message: dict[str, Any] = json.loads(self.process.stdout.readline())
            if "id" in message:
                return message

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its answer, passing over those to earlier ones."""
        number = self.begin(method, params)
        while (answer := self.read())["id"] != number:
            pass
        return answer

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and give its result. Raises `SystemExit` if it is an error."""
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        if answer.get("result", {}).get("isError", "error" in answer):
            raise SystemExit(f"{tool} failed: {answer}")
        result: dict[str, Any] = answer["result"]
        return result

    def age(self) -> float:
        """Tell how long ago the server was spawned."""
        return time.perf_counter() - self.began

    def memory(self) -> float:
        """Tell the resident memory in MiB, where the system tells it in /proc."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def leave(self) -> float:
        """Close stdin, and tell how long the server takes to end."""
        assert self.process.stdin is not None
        began = time.perf_counter()
        self.process.stdin.close()
        self.process.wait(10)
        return time.perf_counter() - began

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()


@contextmanager
def started(command: Sequence[str], env: Mapping[str, str] | None = None, *, modern: bool = False) -> Iterator[Host]:
    """Start a server, which ends with the block however it is left."""
    host = Host(command, env or {}, modern=modern)
    try:
        yield host
    finally:
        host.process.kill()
        host.process.wait()
        for pipe in (host.process.stdin, host.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
