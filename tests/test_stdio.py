"""The real server as a subprocess: stdout is JSON-RPC and nothing else, and the process ends when it is told to."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from scenario_mcp.sandbox.world import World
from support import hostile
from support.agents import CORE, TOOL, WAIT
from support.nightly import by_day
from support.pictures import data_url, png
from support.stdio import INFO, PATIENCE, VERSIONS, StdioHost, data_in, environment, running
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

END_SECONDS = 1.0
SETTLE_SECONDS = 3.0  # that a paid request without an answer gets besides
CLIENTS_KILL = 2.0  # seconds after which clients end a server that does not end with its stdin


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


def in_era(era: str) -> pytest.MarkDecorator:
    """Run a test in one era by day, and in the other by night."""
    return pytest.mark.parametrize("wire_era", by_day([era], VERSIONS))


def a_call(prompt: str = "a phoenix") -> dict[str, Any]:
    arguments = {
        "modelId": "model_sandbox-ink",
        "prompt": prompt,
        "image": data_url(png("tan")),
        "ipAdapterImages": [data_url(png("navy"))],
        "numSamples": 1,
        "width": 64,
        "height": 64,
    }
    return {"name": TOOL, "arguments": arguments}


@in_era("modern")
async def test_a_whole_session_keeps_stdout_for_json_rpc_even_when_libraries_print(
    wire_era: str, base_url: str, quick_world: World
) -> None:
    async with running(wire_era, environ=environment(base_url), noisy=True) as host:
        hello = await host.hello()
        listed = await host.request("tools/list")
        called = await host.request("tools/call", a_call(), token="t")
        assert host.process.stdin is not None
        host.process.stdin.close()
        status = await host.ended()
        noise = await host.stderr()

    assert "scenario-mcp" in str(hello["result"])
    assert [tool["name"] for tool in listed["result"]["tools"]] == CORE
    assert data_in(called["result"])["status"] == "success"
    assert any("notifications/progress" in line for line in host.lines)
    assert len(quick_world.ledger) == 1
    assert status == 0
    for kind in ("printed noise", "written noise", "noise of a child"):
        assert kind in noise


CUSTOM: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "FLUX.2": ("model_bfl-flux-2-dev", {"prompt": "a fox", "numOutputs": 2}, ["image/png"] * 2),
    "short films": (
        "model_sandbox-film",
        {"prompt": "a fox", "sound": "true", "soundPrompt": "x"},
        ["video/x-msvideo"],
    ),
    "voices": ("model_sandbox-voice", {"text": "hello", "voice": "calm a 0"}, ["audio/wav"]),
}
LORA = "model_sandbox-ink"


@in_era("modern")
async def test_any_model_is_found_understood_and_run(wire_era: str, base_url: str, quick_world: World) -> None:
    async def call(name: str, **arguments: Any) -> dict[str, Any]:
        answer = await host.request("tools/call", {"name": name, "arguments": arguments})
        assert not answer["result"]["isError"], answer
        made: dict[str, Any] = data_in(answer["result"])
        return made

    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        for words, (model_id, parameters, files) in CUSTOM.items():
            found = await call("find-models", query=words)
            told = await call("get-model", modelId=model_id)
            assert model_id in [row["modelId"] for row in found["models"]]
            assert told["tools"] == ["run-model"]
            assert set(parameters) <= {each["name"] for each in told["inputs"]}

            made = await call("run-model", modelId=model_id, parameters=parameters)
            assert [asset["mimeType"] for asset in made["assets"]] == files

        told = await call("get-model", modelId=LORA)
        assert told["tools"] == [TOOL, "run-model"]
        by_base = await call("run-model", modelId=LORA, parameters={"prompt": "a fox"})
        assert (by_base["status"], by_base["modelId"]) == ("success", LORA)
        by_name = data_in((await host.request("tools/call", a_call()))["result"])
        assert (by_name["status"], by_name["modelId"]) == ("success", LORA)

    routes = [
        *(f"custom/{model_id}" for model_id, _, _ in CUSTOM.values()),
        "custom/model_bfl-flux-1-dev",
        "img2img-ip-adapter",
    ]
    assert [bill.route for bill in quick_world.ledger] == routes
    assert quick_world.ledger[-2].body["modelId"] == LORA


async def _end(host: StdioHost, how: str) -> tuple[int, float]:
    began = time.monotonic()
    if how == "EOF":
        assert host.process.stdin is not None
        host.process.stdin.close()
    else:
        host.process.send_signal(signal.Signals[how])
    status = await host.ended()
    return status, time.monotonic() - began


STATUS = {"EOF": 0, "SIGTERM": 128 + signal.SIGTERM, "SIGINT": 128 + signal.SIGINT}


IDLE, BUSY = "idle", "while a call waits"
TELLING = ("EOF", BUSY)  # calls that wait for jobs are answered first
ENDS = [
    *(("legacy", "EOF", BUSY), ("modern", "SIGTERM", BUSY), ("modern", "SIGINT", BUSY)),
    *(("modern", "EOF", IDLE), ("legacy", "SIGTERM", IDLE), ("legacy", "SIGINT", IDLE)),
]


@pytest.mark.parametrize(("wire_era", "how", "doing"), by_day(ENDS, product(VERSIONS, STATUS, (IDLE, BUSY))))
async def test_the_process_ends_without_waiting(wire_era: str, base_url: str, how: str, doing: str) -> None:
    status, seconds = await _ended(wire_era, base_url, how, doing)

    assert status == STATUS[how]
    assert seconds < SETTLE_SECONDS + END_SECONDS * ((how, doing) == TELLING)


@pytest.mark.nightly
@pytest.mark.timing
@pytest.mark.parametrize("how", STATUS)
@pytest.mark.parametrize("doing", [IDLE, BUSY])
async def test_the_process_ends_within_a_second(wire_era: str, base_url: str, how: str, doing: str) -> None:
    seconds = SETTLE_SECONDS * ((how, doing) == TELLING) + END_SECONDS

    assert (await _ended(wire_era, base_url, how, doing))[1] < seconds


async def _ended(wire_era: str, base_url: str, how: str, doing: str) -> tuple[int, float]:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        if doing == BUSY:
            host.begin("tools/call", a_call("sandbox:stuck"), token="t")
            await host.read()

        return await _end(host, how)


@pytest.mark.parametrize(
    ("wire_era", "how"),
    by_day([("legacy", "EOF"), ("modern", "SIGTERM")], product(VERSIONS, STATUS)),
)
async def test_a_paid_request_gets_a_moment_at_the_end_and_is_then_logged(wire_era: str, how: str) -> None:
    status, seconds, log, told = await _ended_while_paying(wire_era, how)

    assert status == STATUS[how]
    assert seconds >= SETTLE_SECONDS
    assert told == [], "a host that hung up is told of no call that was given up"
    assert "A paid request was sent and not answered: a job may be running" in log


@pytest.mark.nightly
@pytest.mark.timing
@pytest.mark.parametrize("how", STATUS)
async def test_the_moment_that_a_paid_request_gets_is_no_longer(wire_era: str, how: str) -> None:
    assert (await _ended_while_paying(wire_era, how))[1] < SETTLE_SECONDS + END_SECONDS


async def _ended_while_paying(wire_era: str, how: str) -> tuple[int, float, str, list[str]]:
    async with (
        hostile.serving(hostile.answers_reads_but_no_generation) as api,
        running(wire_era, environ=environment(api.base_url)) as host,
    ):
        await host.hello()
        host.begin("tools/call", a_call())
        await api.has_read_one("POST /v1/generate/")
        greeted = len(host.lines)
        status, seconds = await _end(host, how)
        answers = [line for line in host.lines[greeted:] if "notifications/" not in line]

        return status, seconds, await host.stderr(), answers


@pytest.mark.parametrize("args", [(), ("--no-fast-start",)], ids=["fast start", "--no-fast-start"])
async def test_what_was_asked_before_stdin_ended_is_answered(args: tuple[str, ...]) -> None:
    async with running(environ=environment(), args=("--sandbox", *args)) as host:
        greeting = {"protocolVersion": VERSIONS["legacy"], "capabilities": {}, "clientInfo": INFO}
        calls = [host.message("tools/call", {"name": "find-models", "arguments": {"query": "ink"}}) for _ in range(5)]
        host.write({"id": 0, "method": "initialize", "params": greeting}, *calls)
        status, _ = await _end(host, "EOF")

    answers = [json.loads(line) for line in host.lines]
    assert status == 0
    assert sorted(answer["id"] for answer in answers) == [0, *(call["id"] for call in calls)]
    assert all("| flux.1-" in str(answer["result"]) or answer["id"] == 0 for answer in answers)


@in_era("modern")
async def test_a_job_that_runs_when_stdin_ends_is_named(wire_era: str, base_url: str, quick_world: World) -> None:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        asked = host.begin("tools/call", a_call("sandbox:stuck"), token="t")
        await host.read()
        status, seconds = await _end(host, "EOF")

    [answer] = [json.loads(line) for line in host.lines if json.loads(line).get("id") == asked]
    assert status == 0
    assert seconds > CLIENTS_KILL, "clients that gave up on the call would break over the answer"
    assert quick_world.ledger[0].job_id in answer["result"]["content"][0]["text"]
    assert not answer["result"]["isError"]


@pytest.mark.parametrize("args", ["", "--no-fast-start"])
def test_a_server_whose_stderr_is_closed_writes_its_log_nowhere(args: str) -> None:
    greeting = {"protocolVersion": VERSIONS["legacy"], "capabilities": {}, "clientInfo": INFO}
    sent = [
        {"id": 1, "method": "initialize", "params": greeting},
        {"id": 2, "method": "tools/call", "params": {"name": "find-models", "arguments": {}}},
    ]
    ours, theirs = socket.socketpair()  # some hosts give sockets, which can be written to from both ends
    with ours, theirs:
        server = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {sys.executable} -m scenario_mcp {args} 2>&-"],
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            env=environment(SCENARIO_LOG_LEVEL="debug", SCENARIO_PREVIEWS="maybe"),
        )
        theirs.close()
        ours.sendall(b"".join(json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n" for each in sent) + b"nonsense\n")
        ours.shutdown(socket.SHUT_WR)
        out, _ = server.communicate(timeout=PATIENCE)
        heard = ours.recv(100)

    assert sorted(f"{json.loads(line)['id']}" for line in out.splitlines()) == ["1", "2", "None"]
    assert heard == b""


def test_a_host_that_never_reads_stderr_is_served_and_told_what_was_dropped() -> None:
    count = 3_000  # of lines in the log: a pipe takes some hundreds, and as many again may wait
    reader, writer = os.pipe()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "scenario_mcp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=writer,
            env=environment(SCENARIO_LOG_LEVEL="debug"),
        ) as server,
        os.fdopen(reader, "rb") as stderr,
    ):
        os.close(writer)
        watch = Timer(PATIENCE, server.kill)
        watch.start()
        assert server.stdin is not None
        assert server.stdout is not None
        asked = Thread(target=server.stdin.write, args=(b"nonsense\n" * count,))
        asked.start()
        answered = sum(b"-32700" in server.stdout.readline() for _ in range(count))
        asked.join()
        for _ in range(count // 3):
            stderr.readline()
        server.stdin.write(b"nonsense\n")
        server.stdin.close()
        said = stderr.read()
        watch.cancel()

    assert answered == count
    assert server.returncode == 0
    assert re.search(rb"[1-9][0-9]* lines were dropped: nobody read them", said)


@in_era("legacy")
async def test_a_call_that_is_canceled_at_once_bills_nothing(wire_era: str, base_url: str, quick_world: World) -> None:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        called = host.message("tools/call", a_call())
        host.write(called, {"method": "notifications/cancelled", "params": {"requestId": called["id"]}})
        await host.request("tools/call", {"name": WAIT, "arguments": {"jobIds": ["job_x"]}})
        status, _ = await _end(host, "EOF")

    assert status == 0
    assert quick_world.ledger == []


@in_era("legacy")
async def test_a_host_that_stopped_listening_ends_the_process(wire_era: str, base_url: str) -> None:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        host.hang_up()
        host.begin("tools/list")
        status = await asyncio.wait_for(host.process.wait(), PATIENCE)

    assert status == 1


@pytest.mark.parametrize(("level", "told"), [("info", True), ("warning", False)])
async def test_the_log_level_says_what_stands_on_stderr(base_url: str, level: str, told: bool) -> None:
    async with running(environ=environment(base_url, SCENARIO_LOG_LEVEL=level)) as host:
        await host.hello()
        await host.request("tools/call", a_call())
        await _end(host, "EOF")
        said = await host.stderr()

    assert bool(re.search(r"INFO .*POST /generate/img2img-ip-adapter: 200", said)) == told
    assert SANDBOX_CREDENTIALS[1] not in said
    assert "Signature=" not in said


async def test_a_server_that_nobody_greeted_ends_with_its_stdin(base_url: str) -> None:
    async with running(environ=environment(base_url)) as host:
        status, _ = await _end(host, "EOF")

    assert status == 0
    assert host.lines == []


@in_era("modern")
async def test_an_unknown_tool_is_a_protocol_error(wire_era: str, base_url: str) -> None:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        answer = await host.request("tools/call", {"name": "make-coffee", "arguments": {}})

    assert answer["error"] == {"code": -32602, "message": "Unknown tool: make-coffee"}


@in_era("legacy")
async def test_without_credentials_the_list_works_and_a_call_says_where_keys_come_from(wire_era: str) -> None:
    async with running(wire_era, environ=environment()) as host:
        await host.hello()
        listed = await host.request("tools/list")
        called = await host.request("tools/call", a_call())

    assert len(listed["result"]["tools"]) == len(CORE)
    said = called["result"]["content"][0]["text"]
    assert called["result"]["isError"]
    assert "SCENARIO_API_KEY and SCENARIO_API_SECRET" in said
    assert "app.scenario.com" in said


@in_era("modern")
async def test_a_sandbox_of_its_own_needs_nothing_and_says_so(wire_era: str) -> None:
    async with running(wire_era, environ=environment(), args=("--sandbox",)) as host:
        await host.hello()
        called = await host.request("tools/call", a_call())
        failed = await host.request("tools/call", {"name": WAIT, "arguments": {"jobIds": ["job_x"]}})
        refused = await host.request("tools/call", {"name": WAIT, "arguments": {}})

    assert data_in(called["result"])["status"] == "success"
    assert "SANDBOX" in data_in(called["result"])["notes"][0]
    assert called["result"]["content"][0]["text"].startswith("SANDBOX")
    assert "units are the sandbox's" in called["result"]["content"][0]["text"]
    assert "forgets everything when it ends" in failed["result"]["content"][0]["text"]
    assert refused["result"]["content"][0]["text"].startswith("SANDBOX. Nothing was generated or billed.")


async def test_lines_that_are_no_messages_are_answered_by_errors(base_url: str) -> None:
    async with running(environ=environment(base_url)) as host:
        assert host.process.stdin is not None
        await host.hello()
        host.process.stdin.write(b"not json\n\n[]\n\xff\xfe\n")
        listed = await host.request("tools/list")

    assert len(listed["result"]["tools"]) == len(CORE)
    assert [json.loads(line)["error"]["code"] for line in host.lines[1:-1]] == [-32700, -32600, -32700]


@in_era("legacy")
async def test_a_list_is_answered_while_a_call_waits(wire_era: str, base_url: str) -> None:
    async with running(wire_era, environ=environment(base_url)) as host:
        await host.hello()
        waiting = host.begin("tools/call", a_call("sandbox:stuck"))
        await host.request("tools/list")

    assert not any(json.loads(line).get("id") == waiting for line in host.lines)


@pytest.mark.parametrize(
    ("variable", "value"), [("SCENARIO_WAIT_SECONDS", "soon"), ("SCENARIO_BASE_URL", "http://api.example")]
)
async def test_a_bad_setting_is_logged_with_its_name_and_ends_no_start(variable: str, value: str) -> None:
    async with running(environ=environment(**{variable: value})) as host:
        await host.hello()
        assert host.process.stderr is not None
        said = await asyncio.wait_for(host.process.stderr.readline(), PATIENCE)
        called = await host.request("tools/call", a_call())

    assert f"{variable} must be" in said.decode()
    assert called["result"]["isError"]


async def test_a_named_file_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "my.env").write_bytes("SCENARIO_PREVIEWS=off".encode("utf-16"))
    for name, why in (
        ("my.env", "it is not text in UTF-8. Save it as UTF-8."),
        ("no.env", "it cannot be read: No such"),
    ):
        async with running(environ=environment(), args=("--env-file", str(tmp_path / name))) as host:
            said = await host.stderr()
            status = await host.ended()

        assert status == 2
        assert said.startswith(f"scenario-mcp: --env-file {tmp_path / name}: {why}")
        assert host.lines == []


async def test_an_env_file_that_is_named_is_trusted(base_url: str, tmp_path: Path) -> None:
    key, secret = SANDBOX_CREDENTIALS
    (tmp_path / ".env").write_text(
        f"SCENARIO_API_KEY={key}\nSCENARIO_API_SECRET={secret}\nSCENARIO_BASE_URL={base_url}\n"
    )
    env_file = ("--env-file", str(tmp_path / ".env"))
    async with running(environ=environment(), args=env_file) as host:
        await host.hello()
        called = await asyncio.wait_for(host.request("tools/call", a_call()), 20)

    assert data_in(called["result"])["status"] == "success"
