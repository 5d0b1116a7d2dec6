"""Lines from the host: each is answered or served, whatever stands on it, and the next one is too."""

import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from support.agents import text_of
from support.clock import LEAPING
from support.nightly import by_day
from support.odd_lines import BOM, MEGABYTES, MUCH, NO_MESSAGE, SILENT, rows, text
from support.stdio import INFO, PATIENCE, VERSIONS, StdioHost, environment, running

pytestmark = pytest.mark.anyio

STARTS = {"fast start": (), "--no-fast-start": ("--no-fast-start",)}
NIGHTLY = pytest.mark.nightly


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


async def follow(host: StdioHost, line: bytes, *, served: Any = None) -> list[dict[str, Any]]:
    """Send a line and a good one after it; give what is answered besides the good one, which must be answered too."""
    good = host.message("tools/list")
    good["id"] = f"good-{good['id']}"
    assert host.process.stdin is not None
    host.process.stdin.write(line + b"\n" + text({"jsonrpc": "2.0", **good}) + b"\n")
    answers: list[dict[str, Any]] = []
    waits = {good["id"], served} - {None}
    while waits and (answer := await host.read(PATIENCE if good["id"] in waits else 5)) is not None:
        waits -= {answer.get("id")}
        answers.append(answer)
    [answer] = [each for each in answers if each.get("id") == good["id"]]
    assert answer["result"]["tools"]
    return [each for each in answers if each is not answer]


@pytest.mark.parametrize(("era", "start"), by_day([("legacy", "fast start")], product(VERSIONS, STARTS)))
async def test_every_line_is_answered_and_so_is_the_next(era: str, start: str) -> None:
    async with running(era, environ=environment(), args=STARTS[start]) as host:
        await host.hello()
        for name, row in rows(era).items():
            [answer] = await follow(host, row.line, served=row.id if row.code is None else None)

            assert answer["id"] == row.id, name
            assert type(answer["id"]) is not bool
            assert answer.get("error", {}).get("code") == row.code, name
        for name, line in SILENT.items():
            assert await follow(host, line) == [], name
        assert host.process.stdin is not None
        host.process.stdin.close()
        status, said = await host.ended(), await host.stderr()

    assert status == 0
    assert "Traceback" not in said


BEFORE = {"a byte order mark": BOM, "a blank line": b"\n", "what is no JSON": b"hello\n"}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("fast start", "a byte order mark"),
        ("fast start", "a blank line"),
        pytest.param("fast start", "what is no JSON", marks=NIGHTLY),
        pytest.param("--no-fast-start", "a byte order mark", marks=NIGHTLY),
    ],
)
async def test_a_handshake_is_answered_whatever_comes_before_it(start: str, name: str) -> None:
    greeting = text({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO})
    listing = text({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    async with running(environ=environment(), args=STARTS[start]) as host:
        assert host.process.stdin is not None
        host.process.stdin.write(BEFORE[name] + greeting + b"\n" + BEFORE[name] + listing + b"\n")
        greeted, listed = [await host.answer_to(number, patience=20) for number in (0, 1)]

    assert greeted["result"]["serverInfo"]["name"] == "scenario-mcp"
    assert listed["result"]["tools"]


@NIGHTLY
async def test_where_the_start_failed_every_line_is_told_so_too(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text("raise ImportError('it is broken here')")
    async with running(environ=environment(PYTHONPATH=str(tmp_path))) as host:
        await host.hello()
        for name, row in rows("legacy").items():
            answers = await follow(host, row.line)

            assert [each["error"]["code"] for each in answers] == [-32603] * (name != "a broken note"), name
        for name, line in SILENT.items():
            assert await follow(host, line) == [], name


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (r'{"prompt": "a \ud83d fox", "seed": [0]}', "parameters.seed: must be"),
        (f'{{"prompt": "a fox", "seed": {"[" * 900}{"]" * 900}}}', "parameters: must be an object"),
        ('{"prompt": "a fox", "seed": NaN}', "parameters: must be an object"),
    ],
    ids=["half a character", "nested 900 deep", "not a number"],
)
@pytest.mark.parametrize("anyio_backend", [LEAPING])
async def test_json_in_a_text_is_read_by_the_same_rules(parameters: str, complaint: str, agent: McpClient) -> None:
    called = await agent.call_tool("run-model", {"modelId": "model_bfl-flux-2-dev", "parameters": parameters})

    assert called.is_error
    assert complaint in text_of(called)


LONG = {
    "the id first": (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"%s"}}' % MUCH, 7),
    "brackets": (b"[" * len(MUCH), None),
    "a byte order mark": (BOM + b'{"method":"tools/call","params":{"name":"%s"},"jsonrpc":"2.0","id":7}' % MUCH, 7),
}


@NIGHTLY
@pytest.mark.parametrize("name", LONG)
async def test_a_line_that_is_too_long_is_answered_under_its_id(name: str) -> None:
    line, number = LONG[name]
    async with running(environ=environment()) as host:
        await host.hello()
        [answer] = await follow(host, line)

    assert (answer["id"], answer["error"]["code"]) == (number, NO_MESSAGE)
    assert "at most 32 MB" in answer["error"]["message"]


@NIGHTLY
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that a process had")
async def test_an_endless_line_is_read_past_without_being_held() -> None:
    async with running(environ=environment()) as host:
        await host.hello()
        assert host.process.stdin is not None
        for _ in range(500):
            host.process.stdin.write(b"x" * MEGABYTES)
            await host.process.stdin.drain()
        [answer] = await follow(host, b"")
        peak = int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{host.process.pid}/status").read_text())[0])

    assert answer["error"]["code"] == NO_MESSAGE
    assert peak < 200_000
