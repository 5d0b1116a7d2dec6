"""Lines from the host: each is answered or served, whatever stands on it, and the next one is too."""

import json
import re
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from support.agents import text_of
from support.clock import LEAPING
from support.nightly import by_day
from support.stdio import INFO, MODERN_META, PATIENCE, VERSIONS, StdioHost, environment, running

pytestmark = pytest.mark.anyio

STARTS = {"fast start": (), "--no-fast-start": ("--no-fast-start",)}
NO_JSON, NO_MESSAGE = -32700, -32600
BOM = b"\xef\xbb\xbf"
MEGABYTES = 2**20
MUCH = b"A" * 33 * MEGABYTES
NIGHTLY = pytest.mark.nightly


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


@dataclass(frozen=True)
class Row:
    """A line, the code of the error that answers it (None: it is served), and under which id."""

    line: bytes
    code: int | None
    id: Any = 7


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def rows(era: str) -> dict[str, Row]:
    """Lines that a host may write by a fault, or by malice."""
    meta = text(MODERN_META if era == "modern" else {})

    def call(query: bytes, number: bytes = b"7", more: bytes = b"") -> bytes:
        """Write a call as Python's hosts do: the id comes first."""
        params = b'{"name":"find-models","arguments":{"query":%s},"_meta":%s}' % (query, meta)
        return b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s%s}' % (number, params, more)

    def call_from_js(query: bytes) -> bytes:
        """Write a call as JavaScript's hosts do: the id comes last."""
        params = b'{"name":"find-models","arguments":{"query":%s},"_meta":%s}' % (query, meta)
        return b'{"method":"tools/call","params":%s,"jsonrpc":"2.0","id":7}' % params

    good = call(b'"fox"')
    return {
        "half a character": Row(call(rb'"a fox \ud83d"'), None),
        "the other half": Row(call(rb'"\udc00 a fox"'), None),
        "halves in the wrong order": Row(call(rb'"\udc00\ud83d\ud83d\ude00"'), None),
        "half a character in a name": Row(call(rb'{"\ud83d":1}'), None),
        "half a character in the id": Row(call(b'"fox"', rb'"\ud83d"'), None, "\ufffd"),
        "half a character in the method": Row(good.replace(b"tools/call", rb"tools/\ud83d"), -32601),
        "half a character as bytes": Row(call(b'"\xed\xa0\xbd"'), None),
        "a byte order mark": Row(BOM + good, None),
        "a carriage return": Row(good + b"\r", None),
        "carriage returns within": Row(good.replace(b",", b",\r"), None),
        "bytes that are no UTF-8": Row(call(b'"\xff\xfe"'), None),
        "an escaped backslash before what looks like half a character": Row(call(rb'"\\ud83d"'), None),
        "nested 300 deep": Row(call(b"[" * 300 + b"]" * 300), NO_JSON),
        "nested 300 deep, the id last": Row(call_from_js(b"[" * 300 + b"]" * 300), NO_JSON),
        "nested 100,000 deep": Row(call(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), NO_JSON),
        "nested 180 deep": Row(call(b"[" * 180 + b"]" * 180), None),
        "a number of 5,000 digits": Row(call(b"9" * 5_000), NO_JSON),
        "a number of 5,000 digits, the id last": Row(call_from_js(b"9" * 5_000), NO_JSON),
        "a number that is infinite": Row(call(b"1e999"), None),
        "not a number": Row(call(b"NaN"), NO_JSON),
        "infinity": Row(call(b"-Infinity"), NO_JSON),
        "a control character": Row(call(b'"\x01"'), NO_JSON),
        "an escape that is none": Row(call(rb'"\x"'), NO_JSON),
        "a text without an end": Row(call(b'"a fox'), NO_JSON),
        "a response that is nested 300 deep": Row(
            b'{"jsonrpc":"2.0","id":7,"result":{"x":%s}}' % (b"[" * 300 + b"]" * 300), NO_JSON, None
        ),
        "a line that breaks off": Row(good[:50], NO_JSON),
        "a line that breaks off after another id": Row(b'{"method":"x","params":{"id":7}', NO_JSON, None),
        "two messages on a line": Row(good + good, NO_JSON),
        "no JSON": Row(b"hello", NO_JSON, None),
        "UTF-16": Row(good.decode().encode("utf-16-le"), NO_JSON, None),
        "a NUL": Row(b"\0" + good, NO_JSON, None),
        "an id that is null": Row(call(b'"fox"', b"null"), NO_MESSAGE, None),
        "a fraction for an id": Row(call(b'"fox"', b"1.5"), NO_MESSAGE, 1.5),
        "a whole fraction for an id": Row(call(b'"fox"', b"7.0"), NO_MESSAGE, 7),
        "truth for an id": Row(call(b'"fox"', b"true"), NO_MESSAGE, None),
        "an object for an id": Row(call(b'"fox"', b"{}"), NO_MESSAGE, None),
        "a list for an id": Row(call(b'"fox"', b"[7]"), NO_MESSAGE, None),
        "infinity for an id": Row(call(b'"fox"', b"1e999"), NO_MESSAGE, None),
        "an id of 10,000 characters": Row(call(b'"fox"', text("x" * 10_000)), NO_MESSAGE, "x" * 10_000),
        "an id of 30 digits": Row(call(b'"fox"', b"1" * 30), None, int("1" * 30)),
        "no version of JSON-RPC": Row(good.replace(b'"jsonrpc":"2.0",', b""), NO_MESSAGE),
        "another version of JSON-RPC": Row(good.replace(b'"2.0"', b'"1.0"'), NO_MESSAGE),
        "a number for the version of JSON-RPC": Row(good.replace(b'"2.0"', b"2.0"), NO_MESSAGE),
        "no method": Row(b'{"jsonrpc":"2.0","id":7}', NO_MESSAGE),
        "a number for a method, and a result": Row(b'{"jsonrpc":"2.0","id":7,"method":5,"result":{}}', NO_MESSAGE),
        "a request and an error at once": Row(good[:-1] + b',"error":5}', None),
        "a number for a method": Row(good.replace(b'"tools/call"', b"5"), NO_MESSAGE),
        "a list of params": Row(b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[1]}', NO_MESSAGE),
        "a text for params": Row(b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":"x"}', NO_MESSAGE),
        "a broken note": Row(b'{"jsonrpc":"2.0","method":"notifications/x","params":[1]}', NO_MESSAGE, None),
        "a batch": Row(b"[%s,%s]" % (good, good), NO_MESSAGE, None),
        "an empty batch": Row(b"[]", NO_MESSAGE, None),
        "an empty object": Row(b"{}", NO_MESSAGE, None),
        "a text": Row(b'"tools/list"', NO_MESSAGE, None),
        "33 MB, the id last": Row(call_from_js(b'"%s"' % MUCH), NO_MESSAGE),
        "a number": Row(b"7", NO_MESSAGE, None),
        "null": Row(b"null", NO_MESSAGE, None),
    }


# What nobody answers: blank lines, and responses, whose ids are not the host's.
SILENT = {
    "an empty line": b"",
    "blanks": b" \t ",
    "a carriage return alone": b"\r",
    "a byte order mark alone": BOM,
    "a response to nothing": b'{"jsonrpc":"2.0","id":7,"result":{}}',
    "a broken response": b'{"jsonrpc":"2.0","id":7,"result":"x"}',
    "a broken error": b'{"jsonrpc":"2.0","id":1.5,"error":5}',
    "an error for no request": b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
    "an unknown note": b'{"jsonrpc":"2.0","method":"notifications/x"}',
}


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

    assert (status, said) == (0, "")


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
