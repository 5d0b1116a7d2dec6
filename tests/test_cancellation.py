"""A host that gives up: polling stops, the job is left alone, and a paid request under way is seen through."""

import asyncio
import logging
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.server import dispatch
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services
from support.agents import TOOL, data_of
from support.network import GENERATE, JOBS, Deliver, SandboxNetwork, busy

pytestmark = pytest.mark.anyio

PATIENCE = 120.0  # seconds of the clock that leaps


class Held:
    """A fault that holds a request until it is let go, and tells when it arrived."""

    def __init__(self) -> None:
        self.arrived = anyio.Event()
        self.let_go = anyio.Event()
        self.delivered = anyio.Event()

    async def __call__(self, request: httpx.Request, deliver: Deliver) -> httpx.Response:
        self.arrived.set()
        await self.let_go.wait()
        response = await deliver(request)
        self.delivered.set()
        return response


async def _call_and_cancel_once(agent: McpClient, arguments: dict[str, Any], event: anyio.Event) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.call_tool, TOOL, arguments)
        await event.wait()
        tasks.cancel_scope.cancel()


async def test_canceling_while_a_paid_request_is_under_way_lets_it_finish_once(
    services: Services, network: SandboxNetwork, world: World, arguments: dict[str, Any], era: str
) -> None:
    held = Held()
    network.plan(GENERATE, held)
    async with McpClient(create_server(services), mode=era) as agent:
        await _call_and_cancel_once(agent, arguments, held.arrived)
        held.let_go.set()
        with anyio.fail_after(PATIENCE):
            await held.delivered.wait()
        await anyio.sleep(60)
        assert network.count(JOBS) == 0
        again = await agent.call_tool(TOOL, arguments)

    assert len(world.ledger) == 1
    assert network.count(GENERATE) == 1
    assert data_of(again) is not None
    assert (data_of(again)["status"], data_of(again)["jobId"]) == (
        "success",
        world.ledger[0].job_id,
    )


async def test_canceling_while_waiting_stops_polling_and_leaves_the_job_alone(
    services: Services, network: SandboxNetwork, world: World, arguments: dict[str, Any], era: str
) -> None:
    held = Held()
    network.plan(JOBS, held)
    async with McpClient(create_server(services), mode=era) as agent:
        await _call_and_cancel_once(agent, arguments, held.arrived)
        await anyio.sleep(60)

    assert network.count(JOBS) == 1
    assert [line for line in network.sent if "action" in line] == []
    assert world.job_record(world.jobs[world.ledger[0].job_id])["status"] == "success"


async def test_canceling_while_waiting_for_a_free_slot_sends_nothing_more(
    services: Services, network: SandboxNetwork, world: World, arguments: dict[str, Any], era: str
) -> None:
    network.plan(GENERATE, busy, 1000)
    told = anyio.Event()

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        told.set()

    async with McpClient(create_server(services), mode=era) as agent:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: agent.call_tool(TOOL, arguments, progress_callback=listen))
            await told.wait()
            tasks.cancel_scope.cancel()
        sent = network.count(GENERATE)
        await anyio.sleep(60)

    assert network.count(GENERATE) == sent
    assert world.ledger == []


async def test_a_paid_request_unheard_because_it_failed_is_logged_without_secrets(
    services: Services, network: SandboxNetwork, arguments: dict[str, Any], caplog: Any
) -> None:
    held = Held()

    async def fails(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await held(request, deliver)
        raise httpx.ReadError("reset", request=request)

    network.plan(GENERATE, fails)
    with caplog.at_level(logging.WARNING):
        async with McpClient(create_server(services)) as agent:
            await _call_and_cancel_once(agent, arguments, held.arrived)
            held.let_go.set()
            with anyio.fail_after(PATIENCE):
                await held.delivered.wait()
            await anyio.sleep(1)

    assert "whose call had ended: The answer to a paid request was lost" in caplog.text
    assert "needs-no-secret" not in caplog.text


async def test_an_answer_whose_call_was_canceled_at_the_last_moment_does_not_count_as_told(
    services: Services, world: World, arguments: dict[str, Any]
) -> None:
    class GivesUp:
        deadline = Deadline.after(45)

        async def progress(self, percent: float, message: str) -> None:
            """Cancel the call when all is done but writing the answer."""
            if message.startswith("failure"):
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

    call = dispatch.call(services, TOOL, arguments | {"prompt": "sandbox:fail"}, GivesUp(), sandbox=False)
    await asyncio.gather(asyncio.create_task(call), return_exceptions=True)

    entry = services.purchases.ledger.journal.of_job(world.ledger[0].job_id)
    assert entry is not None
    assert (entry.state, entry.told) == ("failure", None)
