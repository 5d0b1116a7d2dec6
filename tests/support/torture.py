"""One seeded run of everything that may go wrong at once: the network, hosts that give up, servers that are killed."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx

from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.server import dispatch
from scenario_mcp.server.results import Rendered
from scenario_mcp.state.store import Done, Store
from scenario_mcp.tools.services import Services
from support.agents import LIST, TOOL
from support.network import (
    Deliver,
    Fault,
    SandboxNetwork,
    bad_gateway,
    busy,
    hangs_after,
    hangs_before,
    refused,
    reset_after,
    reset_before,
    server_error,
    truncated,
)
from support.pictures import png
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS, PlainWorld

FAULTS: tuple[Fault, ...] = (
    *(refused, reset_before, reset_after, hangs_before, hangs_after, server_error, bad_gateway, truncated, busy),
)
PATIENCE = (None, 5.0, 30.0)  # seconds after which a host gives up without a word
LATE = 2.0  # seconds that an answer may come after its deadline
ENOUGH = 40  # calls after which a host of a calm network should long have its pictures
CLEAR = ("call again", "Call again", "same call", "Make the same call", "Check the network", "Wait for running jobs")


REFRAME, TRANSLATE = "post-reframe-inferences", "post-translate-inferences"


class Wish(NamedTuple):
    """What a host insists on."""

    tool: str
    arguments: dict[str, Any]

    @property
    def prompt(self) -> str:
        return str(self.arguments["prompt"])


class Killed(asyncio.CancelledError):
    """What a server does after it was killed: nothing."""


class MortalStore(Store):
    """A store that a killed server reaches no more."""

    dead = False

    def _use(self, work: Callable[[Any], Done]) -> Done:
        if self.dead:
            raise Killed
        return super()._use(work)


class Line(httpx.AsyncBaseTransport):
    """The network as one server has it, until it is killed."""

    dead = False

    def __init__(self, network: httpx.AsyncBaseTransport) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.dead:
            raise Killed
        return await self._network.handle_async_request(request)


class Caller:
    """The host of one call, for the server."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline

    async def progress(self, percent: float, message: str) -> None:
        """Hear how far it is."""


@dataclass
class Server:
    """A running server: killing it ends its calls and its writes at whatever point they are."""

    services: Services
    store: MortalStore
    line: Line
    calls: set[asyncio.Task[Rendered]] = field(default_factory=set)

    def begin(self, tool: str, arguments: dict[str, Any], slowest: list[float]) -> "asyncio.Task[Rendered]":
        async def timed() -> Rendered:
            began = anyio.current_time()
            host = Caller(Deadline.after(dispatch.call_seconds(self.services)))
            try:
                return await dispatch.call(self.services, tool, arguments, host, sandbox=False)
            finally:
                slowest.append(anyio.current_time() - began - dispatch.call_seconds(self.services))

        call = asyncio.create_task(timed())
        self.calls.add(call)
        call.add_done_callback(self.calls.discard)
        return call

    async def kill(self) -> None:
        self.store.dead = self.line.dead = True
        here = asyncio.current_task()
        while others := sorted((task for task in self._tasks() if task is not here and not task.done()), key=_age):
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        self.services.purchases.ledger.journal.process.die(leave_file=True)
        self.store.close()

    async def end(self) -> None:
        """End as on EOF: calls are canceled, and what is under way gets 3 seconds."""
        for call in sorted(self.calls, key=_age):
            call.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)
        await self.services.purchases.settle(3)
        await self.kill()

    def _tasks(self) -> "set[asyncio.Task[Any]]":
        purchases: Any = self.services.purchases
        background = purchases._searches._task
        return {*self.calls, *purchases._tries._under_way.values(), *([background] if background else [])}


def _age(task: "asyncio.Task[Any]") -> int:
    return int(task.get_name().rpartition("-")[2])


class Torture:
    """One run: `run` gives what broke a promise, and nothing if none was."""

    def __init__(self, seed: int, folder: Path) -> None:
        random.seed(seed)  # the jitter of pauses
        self.dice = random.Random(seed)
        self.world = PlainWorld(
            clock=lambda: 1_795_000_000.0 + anyio.current_time(),
            pace=self.dice.choice((0.3, 1.0, 4.0)),
            slots=self.dice.choice((1, 2, 8)),
        )
        self.network = SandboxNetwork(self.world)
        self.machine = Machine(
            self.network,
            state=folder,
            skew=self.dice.choice((-180.0, 0.0, 180.0)),
            wait_seconds=self.dice.choice((0.0, 10.0, 45.0, 45.0)),
            previews=False,
        )
        self.storm_ends = self.dice.uniform(20, 200)
        self.fury = self.dice.uniform(0.1, 0.8)
        self.servers: list[Server] = []
        self.overdue: list[float] = []
        self.broken: list[str] = []

    async def run(self) -> list[str]:
        self.network.plan("", self._weather, 10**9)
        hero, ink = (self.world.add_picture(png(colour, (64, 48))) for colour in ("tan", "navy"))
        assert hero is not None
        assert ink is not None
        for _ in range(self.dice.randint(1, 2)):
            self._start()
        wishes = [
            [self._wish(f"{host}.{number}", hero.id, ink.id) for number in range(self.dice.randint(1, 4))]
            for host in range(self.dice.randint(1, 3))
        ]
        chaos = asyncio.create_task(self._kill_now_and_then())
        async with anyio.create_task_group() as hosts:
            for wanted in wishes:
                hosts.start_soon(self._host, wanted)
        chaos.cancel()
        await asyncio.gather(chaos, return_exceptions=True)
        await self._hold([wish for wanted in wishes for wish in wanted])
        for server in self.servers:
            await server.end()
        return self.broken

    def _wish(self, name: str, hero: str, ink: str) -> Wish:
        image = self.dice.choice((hero, hero, f"https://example.com/{name}.png"))
        prompt = {"prompt": f"wish {name}"}
        tool = self.dice.choice((TOOL, TOOL, TOOL, REFRAME, TRANSLATE))
        if tool == TRANSLATE:
            return Wish(tool, prompt)
        if tool == REFRAME:
            return Wish(tool, {"image": image, "targetWidth": 64, "targetHeight": 64, **prompt})
        size = {"numSamples": 1, "width": 64, "height": 64}
        pictures = {"image": image, "ipAdapterImages": [ink]}
        return Wish(tool, {"modelId": "model_sandbox-ink", **prompt, **pictures, **size})

    # --- what goes wrong

    async def _weather(self, request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await anyio.sleep(self.dice.uniform(0.01, 0.6))
        if anyio.current_time() > self.storm_ends or self.dice.random() > self.fury:
            return await deliver(request)
        return await self.dice.choice(FAULTS)(request, deliver)

    async def _kill_now_and_then(self) -> None:
        while True:
            await anyio.sleep(self.dice.uniform(1, 30))
            if anyio.current_time() > self.storm_ends:
                return
            victim = self.dice.choice(self.servers)
            self.servers.remove(victim)
            self._start()
            await (victim.kill() if self.dice.random() < 0.7 else victim.end())

    def _start(self) -> None:
        store, line = MortalStore(self.machine.state), Line(self.network)
        self.servers.append(Server(self.machine.server(store, SANDBOX_CREDENTIALS, line), store, line))

    # --- who wants pictures

    async def _host(self, wishes: list[Wish]) -> None:
        for wish in wishes:
            await anyio.sleep(self.dice.uniform(0, 10))
            if not await self._insist(wish):
                self.broken.append(f"{wish.prompt} was never told to be made")

    async def _insist(self, wish: Wish) -> bool:
        """Call until there are pictures, as hosts and agents do, with all that may come between."""
        tool, arguments = wish
        for _ in range(ENOUGH):
            rendered = await self._call(tool, arguments)
            tool, arguments = wish
            if rendered is not None and rendered.is_error and not any(words in rendered.text for words in CLEAR):
                self.broken.append(f"unclear: {rendered.text}")
            elif rendered is not None and rendered.data is not None:
                if rendered.data["status"] == "success":
                    return True
                follow = rendered.data.get("next")
                if follow is not None and self.dice.random() < 0.7:
                    tool, arguments = follow["tool"], follow["arguments"]
                    continue
            await anyio.sleep(self.dice.uniform(0, 15))
        return False

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Rendered | None:
        """Make one call; None if it was cut off: canceled, given up without a word, or its server killed."""
        call = self.dice.choice(self.servers).begin(tool, arguments, self.overdue)
        calm = anyio.current_time() > self.storm_ends
        cancels = not calm and self.dice.random() < 0.4
        patience = self.dice.uniform(0, 20) if cancels else None if calm else self.dice.choice(PATIENCE)
        await asyncio.wait({call}, timeout=patience)
        if not call.done():
            if cancels:
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
            return None
        if call.cancelled():
            return None
        if (failure := call.exception()) is not None:
            self.broken.append(f"{tool} raised {failure!r}")
            return None
        return call.result()

    # --- what must hold

    async def _hold(self, wishes: list[Wish]) -> None:
        self.network.plan("", self._weather, 0)
        await anyio.sleep(max(0.0, self.storm_ends - anyio.current_time()))
        self._start()
        last = self.servers[-1]
        for _ in range(2):
            listed = (await last.begin(LIST, {"limit": 50}, self.overdue)).data or {}
            await anyio.sleep(15)
        rows = {row.get("jobId"): row for row in listed["jobs"]}
        billed = Counter(bill.body["prompt"] for bill in self.world.ledger)
        for wish in wishes:
            if billed[wish.prompt] != 1:
                self.broken.append(f"{wish.prompt} was billed {billed[wish.prompt]} times")
        for bill in self.world.ledger:
            row = rows.get(bill.job_id, {})
            if row.get("assetIds", []) != list(self.world.jobs[bill.job_id].asset_ids):
                self.broken.append(f"{bill.job_id} cannot be reached through list-jobs: {row}")
        if self.overdue and max(self.overdue) > LATE:
            self.broken.append(f"an answer came {max(self.overdue):.1f} s after its deadline")
