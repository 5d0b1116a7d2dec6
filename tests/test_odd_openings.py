"""Connections that begin oddly: whatever has an id is answered once, nothing hangs, and all of it is JSON-RPC."""

import io
import json
import subprocess
import sys
from collections import Counter
from itertools import product
from typing import Any, BinaryIO, cast

import anyio
import pytest

from scenario_mcp.scenario.client import Client
from scenario_mcp.server import faststart, stdio
from scenario_mcp.server.app import create_server
from scenario_mcp.server.pipes import Pipes
from scenario_mcp.tools.services import services_over
from support.nightly import by_day
from support.odd_lines import BOM, SILENT, rows, text
from support.stdio import INFO, MODERN_META, PATIENCE, environment

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the server reads in threads


def request(method: str, number: Any, **params: Any) -> bytes:
    return text({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def hello(version: str) -> bytes:
    return request("initialize", "hello", protocolVersion=version, capabilities={}, clientInfo=INFO)


READY = text({"jsonrpc": "2.0", "method": "notifications/initialized"})
DISCOVERY = request("server/discover", "hello", _meta=MODERN_META)
# How a connection goes on after what was odd, and the meta of its era.
OPENINGS: dict[str, tuple[list[bytes], dict[str, Any]]] = {
    "2024-11-05": ([hello("2024-11-05"), READY], {}),
    "2025-11-25": ([hello("2025-11-25"), READY], {}),
    "2026-07-28": ([DISCOVERY], MODERN_META),
    "2026-07-28 without a question": ([], MODERN_META),
}

# What a shell, another protocol or a wrapper writes first, and how many answers without an id it gets.
SHELL: dict[str, tuple[bytes, int]] = {
    "a prompt of a shell": (b"$ npx scenario-mcp", 1),
    "a prompt of PowerShell": (rb"PS C:\Users\mira>", 1),
    "colours of a terminal": (b"\x1b[32mready\x1b[0m", 1),
    "headers of LSP": (b"Content-Length: 52\r\n\r", 1),
    "a request of HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r", 2),
    "events of a stream": (b'event: message\ndata: {"jsonrpc":"2.0"}\n', 2),
    "single quotes": (b"{'jsonrpc': '2.0', 'id': 7, 'method': 'ping'}", 1),
    "a comment": (b"// started", 1),
    "three blank lines": (b"\n\r\n", 0),
    "two byte order marks": (BOM + BOM, 1),
    "NULs": (b"\0" * 1_000, 1),
    "a megabyte of one letter": (b"x" * 2**20, 1),
}

ROWS = {name: row for name, row in rows("legacy").items() if "33 MB" not in name}
ODD: dict[str, bytes] = {
    **{name: line for name, (line, _) in SHELL.items()},
    **{name: row.line for name, row in ROWS.items()},
    **SILENT,
    "a refused discovery": request("server/discover", 7),
    "a discovery of another version": request(
        "server/discover", 7, _meta=MODERN_META | {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    ),
    "a discovery without capabilities": request(
        "server/discover", 7, _meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    ),
    "a list of another version": request(
        "tools/list", 7, _meta=MODERN_META | {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    ),
    "a ping": request("ping", 7),
    "a method of nobody": request("session/start", 7),
}  # fmt: skip


def lines_of(name: str, era: str) -> list[bytes]:
    """Say something odd, open the connection, list, say the odd thing once more under another id, and call."""
    opening, meta = OPENINGS[era]
    call = request("tools/call", "call", name="find-models", arguments={"query": [7]}, _meta=meta)
    again = ODD[name].replace(b'"id":7', b'"id":8').replace(b'"id": 7', b'"id": 8')
    return [ODD[name], *opening, request("tools/list", "list", _meta=meta), again, call]


def ids_of(name: str) -> list[Any]:
    """Give the ids under which the odd thing is answered, said twice; they are null where it has none."""
    if name in SHELL:
        return [None] * 2 * SHELL[name][1]
    if name in SILENT:
        return []
    number = ROWS[name].id if name in ROWS else 7
    return [number, 8 if number == 7 else number]


def check(name: str, era: str, output: bytes) -> None:
    """Hold that whatever has an id was answered once, and what the opening allows was served."""
    answers = [json.loads(line) for line in output.splitlines()]
    opened = ["hello"] if OPENINGS[era][0] else []
    said = {answer["id"]: answer for answer in answers if answer["id"] in ("hello", "list", "call")}

    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    assert Counter(answer["id"] for answer in answers) == Counter([*ids_of(name), *opened, "list", "call", "last"])
    assert all("result" in said[each] for each in opened)
    assert said["list"]["result"]["tools"]
    assert "query: must be a text" in said["call"]["result"]["content"][0]["text"]


LAST = b'{"jsonrpc":"2.0","id":"last","method":"x/last"}'  # no fast start knows it, so none ends the process


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("fast", [True, False], ids=["fast start", "--no-fast-start"])
@pytest.mark.parametrize("era", OPENINGS)
async def test_two_hundred_odd_beginnings_are_answered_in_memory(era: str, fast: bool) -> None:
    assert len(ODD) * len(OPENINGS) >= 200
    for name in ODD:
        heard = io.BytesIO()
        pipes = Pipes(cast("BinaryIO", io.BytesIO(b"\n".join([*lines_of(name, era), LAST]))), cast("BinaryIO", heard))
        if fast:
            faststart.open_with(pipes, (), lambda: None)
        hung_up = anyio.Event()
        services = services_over(Client("https://unused.example", None), 45)
        with anyio.fail_after(PATIENCE):
            await stdio._serve(create_server(services, hung_up=hung_up), services, pipes, hung_up)

        check(name, era, heard.getvalue())


STARTS = ((), ("--no-fast-start",))
BY_DAY = [("headers of LSP", "2025-11-25", STARTS[0]), ("a refused discovery", "2024-11-05", STARTS[1])]
CASES = [(name, era, STARTS[number % 2]) for number, (name, era) in enumerate(product(ODD, OPENINGS))]


@pytest.mark.parametrize(("name", "era", "args"), [*BY_DAY, *by_day((), CASES)])
def test_two_hundred_odd_beginnings_are_answered_by_real_servers(name: str, era: str, args: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "scenario_mcp", *args],
        input=b"\n".join([*lines_of(name, era), LAST]),
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )

    check(name, era, ended.stdout)
    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr
