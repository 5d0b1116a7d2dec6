"""Several real servers on one state folder, some of them killed: one generation is billed once, and caps hold.

Set TORTURE_KILLS for more runs of the last test, or TORTURE_SEED for its first seed.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scenario_mcp.sandbox.serve import serving
from scenario_mcp.sandbox.world import World
from support.agents import LIST, TOOL
from support.nightly import by_day
from support.pictures import png
from support.stdio import StdioHost, data_in, environment, running
from support.worlds import PlainWorld

pytestmark = pytest.mark.anyio

FIRST, KILLS = int(os.environ.get("TORTURE_SEED", "0")), int(os.environ.get("TORTURE_KILLS", "6"))
AT_ONCE = 6
DEADLINE, LATE = 45.0, 10.0  # late on a busy machine; on a clock that leaps, test_torture.py allows 2 s
ENOUGH = 8  # calls after which a generation must be told


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


class Weather:
    """Faults between the network and the API: replies that are late, cut off after their work is done, or refused."""

    def __init__(self, dice: random.Random, fury: float) -> None:
        self._dice = dice
        self._fury = fury

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(self._dice.uniform(0, 0.3))
            if self._dice.random() > self._fury:
                await app(scope, receive, send)
                return
            fault = self._dice.choice((self._cut, self._late, self._refuse))
            await fault(app, scope, receive, send)

        return served

    async def _cut(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work, and let the connection break in the middle of the reply."""

        async def half(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
            await send(message)

        await app(scope, receive, half)

    async def _late(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self._dice.uniform(0, 2))
        await app(scope, receive, send)

    async def _refuse(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        status = 429 if scope["method"] == "POST" else 503
        body = b'{"actionName":"parallel-inferences"}'
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body))]}
        )
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def quick_world() -> World:
    return PlainWorld(pace=0.2, slots=1_000)


def arguments_of(world: World, prompt: str) -> dict[str, Any]:

    ids = [asset.id for colour in ("tan", "navy") if (asset := world.add_picture(png(colour)))]
    return {
        "modelId": "model_sandbox-ink",
        "prompt": prompt,
        "image": ids[0],
        "ipAdapterImages": ids[1:],
        "numSamples": 1,
        "width": 64,
        "height": 64,
    }


def on_one_folder(base_url: str, state: Path, **more: str) -> dict[str, str]:
    own = {"SCENARIO_STATE_DIR": f"{state}", "SCENARIO_OUTPUT_DIR": "none", "SCENARIO_PREVIEWS": "off"}
    return environment(base_url, **own, **more)


async def hosts_of(stack: AsyncExitStack, count: int, environ: dict[str, str]) -> list[StdioHost]:
    hosts = [await stack.enter_async_context(running(environ=environ)) for _ in range(count)]
    async with anyio.create_task_group() as tasks:
        for host in hosts:
            tasks.start_soon(host.hello)
    return hosts


class StoppedClock:
    """A clock of the API that stands still, so that no job ends, until it is set going."""

    def __init__(self) -> None:
        self._stopped_at = time.time()
        self._began: float | None = None

    def __call__(self) -> float:
        return self._stopped_at + (0.0 if self._began is None else time.time() - self._began)

    def go(self) -> None:
        self._began = time.time()


async def call_all(
    calls: list[tuple[StdioHost, list[dict[str, Any]]]], when_all_run: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Let every host make its calls, all at once; a call runs as soon as its host hears of progress."""
    results: list[dict[str, Any]] = []
    yet_to_run: set[str] = {f"{number}.{each}" for number, (_, said) in enumerate(calls) for each in range(len(said))}

    async def of_one(number: int, host: StdioHost, arguments: list[dict[str, Any]]) -> None:
        messages = [
            host.message("tools/call", {"name": TOOL, "arguments": said}, token=f"{number}.{each}")
            for each, said in enumerate(arguments)
        ]
        host.write(*messages)
        awaited = {message["id"] for message in messages}
        while awaited:
            answer = await host.read()
            assert answer is not None
            if answer.get("method") == "notifications/progress" and yet_to_run:
                yet_to_run.discard(answer["params"]["progressToken"])
                if not yet_to_run:
                    when_all_run()
            if answer.get("id") in awaited:
                awaited.discard(answer["id"])
                results.append(answer["result"])

    async with anyio.create_task_group() as tasks:
        for number, (host, arguments) in enumerate(calls):
            tasks.start_soon(of_one, number, host, arguments)
    return results


@pytest.mark.parametrize("servers", by_day([2], [2, 8]))
async def test_servers_hold_one_cap_together(base_url: str, quick_world: World, tmp_path: Path, servers: int) -> None:
    environ = on_one_folder(base_url, tmp_path / "state", SCENARIO_MAX_CU_PER_DAY="8")  # one image costs 1.52
    arguments = arguments_of(quick_world, "p")
    async with AsyncExitStack() as stack:
        hosts = await hosts_of(stack, servers, environ)
        results = await call_all(
            [
                (host, [arguments | {"prompt": f"{number}.{each}"} for each in range(16 // servers)])
                for number, host in enumerate(hosts)
            ]
        )

    texts = [result["content"][0]["text"] for result in results]
    assert quick_world.billed == pytest.approx(5 * 1.52)
    assert len(results) == 16
    assert sum("SCENARIO_MAX_CU_PER_DAY allows 8" in text for text in texts) == 11


@pytest.mark.parametrize("servers", by_day([2], [2, 8]))
async def test_identical_calls_of_several_servers_are_one_generation(
    base_url: str, quick_world: World, tmp_path: Path, servers: int
) -> None:
    environ = on_one_folder(base_url, tmp_path / "state")
    arguments = arguments_of(quick_world, "the same")
    quick_world.clock = clock = StoppedClock()  # a call that begins after the end of another one would pay anew
    async with AsyncExitStack() as stack:
        hosts = await hosts_of(stack, servers, environ)
        results = await call_all([(host, [arguments] * 2) for host in hosts], clock.go)

    assert len(quick_world.ledger) == 1
    assert {data_in(result)["jobId"] for result in results} == {quick_world.ledger[0].job_id}
    assert len(results) == 2 * servers


@pytest.mark.timeout(60 + 20 * KILLS)
async def test_servers_that_are_killed_bill_each_generation_once_and_lose_none(tmp_path: Path) -> None:
    dice = random.Random(FIRST)
    world = PlainWorld(pace=0.3, slots=1_000)
    places = anyio.CapacityLimiter(AT_ONCE)
    broken: list[str] = []

    async def one(seed: int, base_url: str) -> None:
        async with places:
            broken.extend(await _killed(seed, base_url, world, tmp_path / f"{seed}"))

    with serving(world, Weather(dice, 0.15)) as base_url:
        async with anyio.create_task_group() as tasks:
            for seed in range(FIRST, FIRST + KILLS):
                tasks.start_soon(one, seed, base_url)

    assert broken == []
    assert len(world.ledger) == KILLS


async def _killed(seed: int, base_url: str, world: World, state: Path) -> list[str]:
    """Kill a server in the middle of a call, and let the next ones end it; gives what broke a promise."""
    dice = random.Random(seed)
    arguments = arguments_of(world, f"wish {seed}")
    environ = on_one_folder(base_url, state)
    async with running(environ=environ) as host:
        await host.hello()
        begun = host.begin("tools/call", {"name": TOOL, "arguments": arguments})
        await asyncio.sleep(dice.uniform(0, 2.5))
        host.process.kill()
        await host.ended()
        heard = any(json.loads(line).get("id") == begun for line in host.lines)
    async with running(environ=environ) as host:
        await host.hello()
        for _ in range(0 if heard else ENOUGH):
            began = time.monotonic()
            answer = (await host.request("tools/call", {"name": TOOL, "arguments": arguments}, patience=60))["result"]
            if time.monotonic() - began > DEADLINE + LATE:
                return [f"{seed}: an answer took {time.monotonic() - began:.1f} s"]
            if data_in(answer).get("status") == "success":
                break
        listed = await host.request("tools/call", {"name": LIST, "arguments": {}}, patience=60)
    billed = [bill.job_id for bill in world.ledger if bill.body["prompt"] == arguments["prompt"]]
    if len(billed) != 1:
        return [f"{seed}: billed {len(billed)} times"]
    rows = {row.get("jobId"): row for row in data_in(listed["result"]).get("jobs", [])}
    if rows.get(billed[0], {}).get("assetIds") != list(world.jobs[billed[0]].asset_ids):
        return [f"{seed}: {billed[0]} cannot be reached through list-jobs: {rows}"]
    return []
