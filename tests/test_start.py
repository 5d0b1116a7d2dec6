"""The fast start: whatever a host sends first, it is answered as without it, only sooner."""

import asyncio
import io
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import types
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request

from scenario_mcp import variables
from scenario_mcp.server import faststart
from scenario_mcp.server.opening import Opening
from scenario_mcp.server.pipes import Pipes
from support.agents import CORE
from support.nightly import by_day
from support.pipes import conversation
from support.stdio import INFO, MODERN_META, PATIENCE, VERSIONS, StdioHost, environment, running, running_command

pytestmark = pytest.mark.anyio

SLOW = ("--no-fast-start",)
END = "the end"  # the id of the request that ends a sequence
HANDED_OVER = "handed over"  # the id of a request that no fast start answers
OLD, NEWEST, MODERN = "2024-11-05", "2025-11-25", "2026-07-28"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


def line(method: str, number: Any = None, **params: Any) -> bytes:
    said: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        said["id"] = number
    return json.dumps(said | ({"params": params} if params else {})).encode()


def hello(version: str = NEWEST, number: Any = 1, **more: Any) -> bytes:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": INFO} | more
    return line("initialize", number, **params)


def modern(method: str, number: Any, meta: Mapping[str, Any] = MODERN_META, **params: Any) -> bytes:
    return line(method, number, _meta=dict(meta), **params)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in MODERN_META.items() if not key.endswith(name)}


def with_meta(name: str, value: Any) -> dict[str, Any]:
    return MODERN_META | {f"io.modelcontextprotocol/{name}": value}


LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
READY = line("notifications/initialized")
OPEN = [hello(), READY]
CAPABLE = {
    "roots": {"listChanged": True},
    "sampling": {},
    "elicitation": {"form": {}, "url": {}},
    "experimental": {"x": {"y": 1}},
    "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html"]}},
}

DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]

WHOLE = INFO | {
    "title": "T",
    "description": "D",
    "websiteUrl": "https://a.example",
    "icons": [{"src": "https://a.example/i.png", "mimeType": "image/png", "sizes": ["48x48"], "theme": "dark"}],
    "vendor": {"x": 1},
}

# What a host may send first, in odd orders and forms; each is ended by a request of the era that it opened. Those of
# WITH_PROCESSES are told to real servers each time, the others by night; in memory all are.
WITH_PROCESSES = {"the lists of 2026", "a call", "lines that are none, later"}
SEQUENCES: dict[str, list[bytes]] = {
    "the lists": [*OPEN, *(line(each, number) for number, each in enumerate(LISTS, 2))],
    "the lists of 2026": [
        modern("server/discover", 1),
        *(modern(each, number) for number, each in enumerate(LISTS, 2)),
    ],
    "lists without a question for the versions": [modern("prompts/list", 7), modern("tools/list", 8)],
    "the oldest version": [hello(OLD), READY, line("tools/list", 2)],
    "a version in between": [hello("2025-06-18"), READY, line("tools/list", 2)],
    "an unknown version": [hello("2031-01-01"), READY, line("tools/list", 2)],
    "a modern version in a handshake": [hello(MODERN), READY, line("tools/list", 2)],
    "no version": [line("initialize", 1, capabilities={}, clientInfo=INFO), line("tools/list", 2)],
    "capabilities": [hello(capabilities=CAPABLE), READY, line("tools/list", 2)],
    "odd capabilities": [hello(capabilities={"roots": 7}), READY, line("tools/list", 2)],
    "unknown capabilities": [hello(capabilities={"juggling": {"balls": 3}}), READY, line("tools/list", 2)],
    "a nameless client": [hello(clientInfo={"version": "1"}), READY, line("tools/list", 2)],
    "a client of many words": [hello(clientInfo=INFO | {"title": "T", "websiteUrl": "https://a.example"}), READY],
    "a client with all that it may say": [hello(clientInfo=WHOLE), READY, line("tools/list", 2)],
    "a client with odd icons": [hello(clientInfo=INFO | {"icons": [{"src": 5}]}), READY, line("tools/list", 2)],
    "a client in snake case": [hello(clientInfo=INFO | {"website_url": 5}), READY, line("tools/list", 2)],
    "a client with nulls": [hello(clientInfo=INFO | {"title": None, "icons": None}), READY, line("tools/list", 2)],
    "a level of the log in the envelope": [modern("tools/list", 1, with_meta("logLevel", "debug") | {"a/b": [1]})],
    "an odd level of the log": [modern("tools/list", 1, with_meta("logLevel", "loud"))],
    "a client with all that it may say, in the envelope": [modern("tools/list", 1, with_meta("clientInfo", WHOLE))],
    "an envelope of 2026 in 2025": [*OPEN, line("tools/list", 2, _meta={"io.modelcontextprotocol/logLevel": "info"})],
    "more in the meta of 2025": [hello(_meta={"a": 1}), READY, line("tools/list", 2, _meta={"b": {"c": [None]}})],
    "a meta that is null": [hello(_meta=None), READY, line("tools/list", 2, _meta=None)],
    "notes between the lists": [
        *OPEN,
        line("notifications/roots/list_changed"),
        line("tools/list", 2),
        line("notifications/x", y=1),
        line("notifications/cancelled", requestId=2),
        line("prompts/list", 3),
    ],
    "many notes": [*OPEN, *[line("notifications/x")] * 40, line("tools/list", 2)],
    "tasks": [hello(capabilities={"tasks": {"requests": {"sampling": {"createMessage": {}}}}}), line("tools/list", 2)],
    "odd tasks": [hello(capabilities={"tasks": {"requests": 5}}), READY, line("tools/list", 2)],
    "a list before the handshake": [line("tools/list", 1), hello(number=2), READY, line("tools/list", 3)],
    "a list before the handshake is noted": [hello(), line("tools/list", 2), READY, line("tools/list", 3)],
    "two handshakes": [*OPEN, hello(number=2), line("tools/list", 3)],
    "a note before the handshake": [READY, *OPEN, line("tools/list", 2)],
    "a note with params": [hello(), line("notifications/initialized", x=1), line("tools/list", 2)],
    "2025 after 2026": [modern("tools/list", 1), hello(number=2), line("tools/list", 3)],
    "2026 after 2025": [*OPEN, modern("tools/list", 2), modern("server/discover", 3), line("tools/list", 4)],
    "a discovery without an envelope": [line("server/discover", 1), *OPEN],
    "a handshake in an envelope": [hello(_meta=dict(MODERN_META)), READY, line("tools/list", 2)],
    "no client in the envelope": [modern("tools/list", 1, without("clientInfo")), modern("tools/list", 2)],
    "no capabilities in the envelope": [modern("server/discover", 1, without("clientCapabilities"))],
    "an unknown version in the envelope": [modern("tools/list", 1, with_meta("protocolVersion", "2031-01-01"))],
    "an old version in the envelope": [modern("tools/list", 1, with_meta("protocolVersion", NEWEST))],
    "an odd client in the envelope": [modern("tools/list", 1, with_meta("clientInfo", "me"))],
    "more in the envelope": [modern("tools/list", 1, MODERN_META | {"traceparent": "00-1-2-03", "x/y": 1})],
    "a cursor": [*OPEN, line("tools/list", 2, cursor="x"), line("prompts/list", 3, cursor="y")],
    "a cursor in 2026": [modern("tools/list", 1, cursor="x")],
    "a cursor that is none": [*OPEN, line("tools/list", 2, cursor=5), line("resources/list", 3, cursor={})],
    "no note": [hello(), line("tools/list", 2), line("tools/call", 3, name="find-models", arguments={})],
    "no note, then a resource": [hello(), line("resources/read", 2, uri="scenario://assets/x")],
    "very many lists": [*OPEN, *(line("resources/list", number) for number in range(2, 102))],
    "very deep": [hello(capabilities={"experimental": {"x": {"y": DEEP}}}), *OPEN, line("tools/list", 2)],
    "a carriage return within": [*OPEN, b'{"jsonrpc": "2.0",\r"id": 2, "method": "tools/list"}', line("tools/list", 3)],
    "unknown params": [*OPEN, line("tools/list", 2, colour="red")],
    "progress tokens": [hello(_meta={"progressToken": "a"}), READY, line("tools/list", 2, _meta={"progressToken": 1})],
    "a ping": [*OPEN, line("ping", 2), line("tools/list", 3)],
    "a ping first": [line("ping", 1), *OPEN, line("tools/list", 3)],
    "a cancellation": [*OPEN, line("tools/list", 2), line("notifications/cancelled", requestId=2), line("ping", 3)],
    "an unknown method": [*OPEN, line("tools/juggle", 2)],
    "a call": [*OPEN, line("tools/list", 2), line("tools/call", 3, name="find-models", arguments={})],
    "a call in 2026": [modern("tools/list", 1), modern("tools/call", 2, name="find-models", arguments={})],
    "a prompt": [*OPEN, line("prompts/get", 2, name="find-a-model", arguments={"purpose": "ink"})],
    "one id twice": [hello(number=1), READY, line("tools/list", 1), line("ping", 1)],
    "ids of letters": [hello(number="a"), READY, line("tools/list", "b"), line("tools/list", "é ü")],
    "odd ids": [hello(number=0), READY, line("tools/list", -3), line("tools/list", 2**60), line("tools/list", "\n")],
    "a fraction for an id": [*OPEN, line("tools/list", 1.5)],
    "truth for an id": [*OPEN, line("tools/list", True)],
    "lines that are none": [b"", b"nonsense", b"[]", b"{}", b"\xff\xfe", b'{"jsonrpc": "2.0"}', *OPEN],
    "lines that are none, later": [*OPEN, b"", b"nonsense", line("tools/list", 2), b"[1, 2]", line("tools/list", 3)],
    "half a character": [hello(clientInfo={"name": "\ud83d", "version": "1"}), *OPEN, line("tools/list", 2)],
    "no number": [b'{"jsonrpc": "2.0", "id": NaN, "method": "tools/list"}', *OPEN],
    "another protocol": [b'{"jsonrpc": "1.0", "id": 9, "method": "tools/list"}', *OPEN],
    "carriage returns": [hello() + b"\r", READY + b"\r", line("tools/list", 2) + b"\r"],
    "a list of params": [*OPEN, b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": []}'],
    "no params at all": [*OPEN, b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": null}'],
    "an answer to nothing": [*OPEN, b'{"jsonrpc": "2.0", "id": 5, "result": {}}', line("tools/list", 2)],
}


def _end_of(lines: list[bytes]) -> bytes:
    """Give a request that ends a sequence: a list where the first request opened 2026, else a ping."""
    first = next((each for each in lines if b'"method"' in each and b'"id"' in each), b"")
    opens_2026 = b"io.modelcontextprotocol" in first and b'"initialize"' not in first
    return modern("resources/list", END) if opens_2026 else line("ping", END)


async def answers(lines: list[bytes], args: tuple[str, ...], folder: Path) -> tuple[list[str], int]:
    """Send lines at once, and give all answers in a fixed order, and how the process ended."""
    async with running(environ=environment(SCENARIO_STATE_DIR=str(folder)), args=args) as host:
        assert host.process.stdin is not None
        host.process.stdin.write(b"\n".join([*lines, _end_of(lines)]) + b"\n")
        told = [message async for message in _until(host, END)]
        host.process.stdin.close()
        while (late := await host.read()) is not None:
            told.append(late)
        status = await host.ended()
    return in_order(told), status


async def _until(host: StdioHost, number: str) -> Any:
    while (message := await host.read()) is not None:
        yield message
        if message.get("id") == number:
            return


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize(
    ("name", "toolsets"),
    [
        *((name, "") for name in SEQUENCES),
        *((name, sets) for name in ("the lists", "the lists of 2026") for sets in ("edit", "images,text", "all")),
    ],
)
async def test_both_ways_to_start_give_the_same_answers_in_memory(name: str, toolsets: str) -> None:
    chosen = variables.read(toolsets=toolsets).get("toolsets", ())
    lines = [*SEQUENCES[name], _end_of(SEQUENCES[name]), line("x/y", HANDED_OVER)]

    fast, slow = [await conversation(lines, (END, HANDED_OVER), fast=fast, toolsets=chosen) for fast in (True, False)]

    assert in_order(fast) == in_order(slow)


def in_order(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(message, sort_keys=True) for message in messages)


@pytest.mark.parametrize("name", by_day(WITH_PROCESSES, SEQUENCES))
async def test_both_ways_to_start_give_the_same_answers(name: str, tmp_path: Path) -> None:
    fast, slow = await asyncio.gather(
        answers(SEQUENCES[name], (), tmp_path / "fast"), answers(SEQUENCES[name], SLOW, tmp_path / "slow")
    )

    assert fast == slow
    assert any(f'"id": "{END}"' in message for message in fast[0])


@pytest.mark.parametrize(
    ("wire_era", "toolsets"),
    by_day([("legacy", "images,text"), ("modern", "all")], product(VERSIONS, ("", "edit", "images,text", "all"))),
)
async def test_lists_depend_on_the_toolsets_and_on_nothing_else(wire_era: str, toolsets: str, tmp_path: Path) -> None:
    async def listed(args: tuple[str, ...], **settings: str) -> list[dict[str, Any]]:
        async with running(wire_era, environ=environment(SCENARIO_TOOLSETS=toolsets, **settings), args=args) as host:
            return [await host.hello(), *[await host.request(method) for method in LISTS]]

    folder = str(tmp_path)
    bare, sandbox, rich = await asyncio.gather(
        listed(()),
        listed(("--sandbox", *SLOW)),
        listed(
            (),
            SCENARIO_API_KEY="k",
            SCENARIO_API_SECRET="s",
            SCENARIO_PROJECT_ID="p",
            SCENARIO_OUTPUT_DIR=folder,
            SCENARIO_INPUT_DIRS=folder,
            SCENARIO_MAX_CU_PER_DAY="1",
            SCENARIO_WAIT_SECONDS="1",
            SCENARIO_PREVIEWS="off",
        ),
    )

    assert bare == sandbox == rich


async def test_the_toolsets_of_the_command_line_and_of_a_file_count_at_once(tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("SCENARIO_TOOLSETS=text\n")
    for args in (("--toolsets", "text"), ("--env-file", str(tmp_path / "my.env"))):
        async with running(environ=environment(), args=args) as host:
            await host.hello()
            listed = (await host.request("tools/list"))["result"]["tools"]

        assert len(listed) == len(CORE) + 5


RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "data/first_messages.json").read_text("utf-8")
)
SOON = 0.025  # seconds from the start to the list, beyond those that Python itself takes


@pytest.mark.parametrize("host", RECORDED)
def test_all_that_real_hosts_send_first_is_answered_at_once(host: str) -> None:
    opening = Opening(())
    for message in RECORDED[host]:
        known, response = opening.take(json.dumps(message).encode())

        assert known, message
        assert (response is not None) == ("id" in message)
    assert RECORDED[host][-1]["method"].endswith("/list")


@pytest.mark.nightly
@pytest.mark.timing
@pytest.mark.parametrize("host", RECORDED)
def test_real_hosts_get_their_list_soon(host: str) -> None:
    sent = b"".join(json.dumps(message).encode() + b"\n" for message in RECORDED[host])
    count = sum("id" in message for message in RECORDED[host])

    def seconds(*words: str) -> float:
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(sent)
            server.stdin.flush()
            heard = [server.stdout.readline() for _ in range(count)]
            took = time.perf_counter() - began
            server.kill()
        assert all(heard)
        return took

    echo = "import sys\nfor line in sys.stdin:\n    if '\"id\"' in line: print(line, end='', flush=True)"
    python = min(seconds("-c", echo) for _ in range(5))

    assert min(seconds("-m", "scenario_mcp") for _ in range(5)) - python < SOON


ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, 2**70, "", "x", "\n", [], ["x"], {}, {"x": {}}, {"x": [1]}, {"name": 1})


def _mutated(message: Any, chance: random.Random) -> Any:
    """Change, drop or add something somewhere in a message."""
    if not isinstance(message, dict) or not message or chance.random() < 0.15:
        return chance.choice(ODD)
    name = chance.choice(list(message))
    match chance.randrange(4):
        case 0:
            return {key: value for key, value in message.items() if key != name}
        case 1:
            return message | {chance.choice(["x", "_meta", "title", "cursor", "progressToken"]): chance.choice(ODD)}
        case _:
            return message | {name: _mutated(message[name], chance)}


def test_whatever_is_answered_at_once_the_sdk_accepts_too() -> None:
    chance = random.Random(7)
    listed = [line(each, 2, _meta={"progressToken": 1}) for each in LISTS]
    sent = (hello(capabilities=CAPABLE), *SEQUENCES["the lists of 2026"], *listed)
    originals = [json.loads(each) for each in sent]
    answered = 0
    for _ in range(20_000):
        message = _mutated(chance.choice(originals), chance)
        if chance.random() < 0.3:
            message = _mutated(message, chance)
        opening = Opening(())
        if chance.random() < 0.5 and message != originals[0]:
            opening.take(hello())
        known, response = opening.take(json.dumps(message).encode())
        if response is None:
            assert not known or "id" not in message
            continue
        answered += 1
        types.jsonrpc_message_adapter.validate_json(json.dumps(message), by_name=False)
        if message["method"] == "initialize":
            types.InitializeRequestParams.model_validate(message["params"], by_name=False)
        else:
            assert message.get("params", {}).get("cursor") is None
            if "io.modelcontextprotocol" in json.dumps(message):
                assert not isinstance(classify_inbound_request(message), InboundLadderRejection)
            types.PaginatedRequestParams.model_validate(message.get("params", {}), by_name=False)

    assert answered > 300


def _steps(era: str) -> Iterator[bytes]:
    if era == "modern":
        yield modern("server/discover", 1)
        yield modern("tools/list", 2)
    else:
        yield hello()
        yield line("tools/list", 2)


@pytest.mark.parametrize(
    ("wire_era", "how"),
    by_day(
        [("legacy", "EOF"), ("modern", "SIGTERM"), ("legacy", "SIGINT"), ("modern", "half a line")],
        product(VERSIONS, ("EOF", "SIGTERM", "SIGINT", "half a line")),
    ),
)
async def test_an_end_during_the_import_is_an_end_as_any(wire_era: str, how: str) -> None:
    ends = {}
    for args in ((), SLOW):
        async with running(wire_era, environ=environment(), args=args) as host:
            assert host.process.stdin is not None
            for step in _steps(wire_era):
                host.process.stdin.write(step + b"\n")
                await host.read()
            if how == "half a line":
                host.process.stdin.write(b'{"jsonrpc": "2.0", "id": 3, "meth')
            if how.startswith("SIG"):
                host.process.send_signal(signal.Signals[how])
            else:
                host.process.stdin.close()
            ends[args] = (await host.ended(), len(host.lines), await host.stderr())

    assert ends[()] == ends[SLOW]
    assert ends[()][0] == (128 + signal.Signals[how] if how.startswith("SIG") else 0)


CALL = line("tools/call", 9, name="find-models")


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize(
    ("sent", "opening", "notes"),
    [
        ([hello(number=5), READY, line("tools/list", 6)], hello(number=5), [READY]),
        ([hello(number=5), line("tools/list", 6)], hello(number=5), []),
        ([modern("server/discover", 5), modern("tools/list", 6)], modern("server/discover", 5), []),
        ([modern("prompts/list", 5)], modern("prompts/list", 5), []),
    ],
    ids=["2025", "without a note", "2026", "2026 without a question"],
)
def test_the_sdk_is_shown_the_opening_once_more_under_an_id_of_our_own(
    sent: list[bytes], opening: bytes, notes: list[bytes]
) -> None:
    pipes = Pipes(io.BytesIO(b"".join(each + b"\n" for each in (*sent, CALL, b"later"))), io.BytesIO())

    faststart.open_with(pipes, (), lambda: None)

    replayed = [json.loads(each) for each in pipes.replayed.splitlines()]
    assert pipes.dropped is not None
    assert replayed == [
        json.loads(opening) | {"id": pipes.dropped},
        *(json.loads(each) for each in notes),
        json.loads(CALL),
    ]
    assert pipes.reader.read() == b"later\n"


@pytest.mark.usefixtures("own_signals")
def test_loading_begins_once_with_the_first_answer_and_not_before() -> None:
    wrote = io.BytesIO()
    told: list[int] = []
    pipes = Pipes(io.BytesIO(b"\n".join([hello(), READY, line("tools/list", 2), CALL])), wrote)

    def load() -> str:
        told.append(wrote.getvalue().count(b"\n"))
        return "loaded"

    assert faststart.open_with(pipes, (), load) == "loaded"
    assert len(told) == 1
    assert told[0] >= 1
    assert wrote.getvalue().count(b"\n") == 2


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("last", [READY, line("tools/list", "last")], ids=["note", "list"])
def test_after_many_answers_the_next_line_is_handed_over_once(last: bytes) -> None:
    lists = [line("resources/list", number) for number in range(2, faststart.MOST_ANSWERS + 1)]
    pipes = Pipes(io.BytesIO(b"\n".join([hello(), *lists, last, b"later"])), io.BytesIO())

    faststart.open_with(pipes, (), lambda: None)

    assert pipes.replayed.splitlines()[1:] == [last]
    assert pipes.reader.read() == b"later"


async def test_a_start_that_fails_is_told_to_the_host_though_nobody_reads_the_log(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text("raise ImportError('it is broken here')")
    async with running(environ=environment(PYTHONPATH=str(tmp_path))) as host:
        host.process._transport.get_pipe_transport(2).close()  # type: ignore[attr-defined]  # no public way
        await host.hello()
        refused = await host.request("tools/call", {"name": "find-models"})
        assert host.process.stdin is not None
        host.process.stdin.close()
        status = await host.ended()

    assert refused["error"]["code"] == -32603
    assert status == 1


@pytest.mark.usefixtures("own_signals")
def test_what_is_not_known_is_handed_over_as_it_came_and_loaded_in_no_thread() -> None:
    pipes = Pipes(io.BytesIO(CALL + b"\n" + READY), io.BytesIO())

    assert faststart.open_with(pipes, (), threading.current_thread) is threading.main_thread()
    assert (pipes.replayed, pipes.dropped) == (CALL + b"\n", None)


async def test_what_was_left_out_is_logged_though_a_host_only_lists(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SCENARIO_BASE_URL=https://api.example\n")
    command = [sys.executable, "-m", "scenario_mcp"]
    async with running_command(command, environ=environment(), cwd=tmp_path) as host:
        await host.hello()
        assert host.process.stderr is not None
        said = await asyncio.wait_for(host.process.stderr.readline(), PATIENCE)

    assert b"Ignored SCENARIO_BASE_URL" in said


async def test_an_import_that_fails_is_logged_though_a_host_only_lists(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text("raise ImportError('pydantic is broken here')")
    async with running(environ=environment(PYTHONPATH=str(tmp_path))) as host:
        await host.hello()
        assert host.process.stderr is not None
        while b"pydantic is broken here" not in await asyncio.wait_for(host.process.stderr.readline(), PATIENCE):
            pass
        await host.request("tools/list")
        assert host.process.stdin is not None
        host.process.stdin.close()

        assert await host.ended() == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_server_without_its_pipes_says_so(closed: str) -> None:
    for args in ("", "--no-fast-start"):
        command = f"exec {sys.executable} -m scenario_mcp {args} {closed}"
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            input=hello(),
            capture_output=True,
            env=environment(),
            timeout=PATIENCE,
            check=False,
        )

        assert ended.returncode == 1
        assert ended.stdout == b""
        assert b"Traceback" not in ended.stderr


async def test_a_host_that_hangs_up_before_the_first_answer_ends_the_process(wire_era: str) -> None:
    async with running(wire_era, environ=environment()) as host:
        host.hang_up()
        assert host.process.stdin is not None
        host.process.stdin.write(next(_steps(wire_era)) + b"\n")
        status = await asyncio.wait_for(host.process.wait(), PATIENCE)
        said = await host.stderr()

    assert status == 1
    assert "The host stopped listening" in said


async def test_a_bad_setting_ends_the_start_before_any_answer() -> None:
    async with running(environ=environment(), args=("--toolsets", "juggling")) as host:
        assert host.process.stdin is not None
        host.process.stdin.write(hello() + b"\n")
        status, said = await host.ended(), await host.stderr()

    assert (status, host.lines) == (2, [])
    assert said.startswith("scenario-mcp: --toolsets must be a comma list")


@pytest.mark.parametrize(("module", "args"), [("pydantic", ()), ("uvicorn", ("--sandbox",))], ids=["SDK", "sandbox"])
async def test_a_start_that_fails_is_told_to_every_request_and_the_log(
    module: str, args: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / f"{module}.py").write_text("raise ImportError('it is broken here')")
    async with running(environ=environment(PYTHONPATH=str(tmp_path)), args=args) as host:
        await host.hello()
        refused = [await host.request("tools/call", {"name": "find-models"}) for _ in range(2)]
        listed = await host.request("tools/list")
        assert host.process.stdin is not None
        host.process.stdin.close()
        status, said = await host.ended(), await host.stderr()

    for answer in refused:
        assert answer["error"]["code"] == -32603
        assert "could not start: ImportError: it is broken here" in answer["error"]["message"]
    assert [tool["name"] for tool in listed["result"]["tools"]] == CORE
    assert status == 1
    assert "Traceback" in said


def _unmeasured(code: str) -> str:
    """Run code in a Python of its own, into which coverage brings no modules, and give what it prints."""
    environ = {name: value for name, value in environment().items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


def test_nothing_heavy_is_imported_before_the_first_answer() -> None:
    told = "import sys; from scenario_mcp.commands import start; from scenario_mcp.server import faststart, pipes"
    listed = _unmeasured(f"{told}; print(*sys.modules)")

    heavy = {"typing", "dataclasses", "inspect", "logging", "pathlib", "argparse", "asyncio", "decimal", "dotenv"}
    heavy |= {"importlib.metadata", "urllib.parse", "ipaddress", "mcp", "pydantic", "anyio", "httpx", "sqlite3", "PIL"}
    assert heavy & set(listed.split()) == set()


def test_a_server_is_loaded_without_what_only_calls_need() -> None:
    told = "import gc, sys; from scenario_mcp.commands import serve; serve.load(); print(*sys.modules, gc.isenabled())"
    listed = _unmeasured(told)

    calls_only = {"httpx", "PIL", "dotenv", "platformdirs", "argparse", "scenario_mcp.sandbox"}
    assert calls_only & set(listed.split()) == set()
    assert listed.endswith("True\n")


def test_another_sdk_than_the_one_that_is_known_is_not_spoken_for(tmp_path: Path) -> None:
    assert faststart.is_known_sdk(sys.path)
    for version, known in ((f"{faststart.MCP_MINOR}.9", True), ("2.99.0", False), (f"{faststart.MCP_MINOR}9.0", False)):
        folder = tmp_path / version
        (folder / "mcp").mkdir(parents=True)
        (folder / "mcp/__init__.py").touch()
        (folder / f"mcp-{version}.dist-info").mkdir()

        assert faststart.is_known_sdk([str(tmp_path), "/nowhere", str(folder)]) == known

    assert not faststart.is_known_sdk([])


async def test_with_another_sdk_nothing_is_answered_before_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp/__init__.py").write_text("raise ImportError('this is another SDK')")
    async with running(environ=environment(PYTHONPATH=str(tmp_path))) as host:
        assert host.process.stdin is not None
        host.process.stdin.write(hello() + b"\n")
        status, said = await host.ended(), await host.stderr()

    assert (status, host.lines) == (1, [])
    assert "this is another SDK" in said
