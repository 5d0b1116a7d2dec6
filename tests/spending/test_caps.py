"""Spending caps: asked before it is paid, held over all servers, and never lifted by an agent."""

import json
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.errors import OverCap
from scenario_mcp.spending import budget
from scenario_mcp.spending.budget import Caps
from support.agents import LIST, TOOL, agent_of, made, text_of
from support.network import (
    GENERATE,
    Fault,
    SandboxNetwork,
    answers,
    busy,
    hangs_before,
    refused,
    reset_after,
    reset_before,
    server_error,
)
from support.servers import Machine

pytestmark = pytest.mark.anyio

FOREVER = 10_000
ONE = {"numSamples": 1}  # costs 2.5 units on the sandbox


def capped(machine: Machine, per_call: str | None = None, per_day: str | None = None) -> Machine:
    machine.caps = Caps(*(None if cap is None else Decimal(cap) for cap in (per_call, per_day)))
    return machine


async def test_a_call_over_its_cap_is_refused_with_the_figures_and_the_variable(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(capped(machine, per_call="9.99").server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "would cost 10 Creative Units; SCENARIO_MAX_CU_PER_CALL allows 9.99 for one call" in text_of(result)
    assert "only a person can change a cap" in text_of(result)
    assert world.ledger == []
    assert network.count(GENERATE) == 1
    assert world.requests[-1].query["dryRun"] == "true"


async def test_a_call_at_its_cap_is_made(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    async with agent_of(capped(machine, per_call="10").server()) as agent:
        made(await agent.call_tool(TOOL, arguments))

    assert world.billed == 10


async def test_the_cap_of_a_day_counts_what_was_spent_and_says_what_is_left(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(capped(machine, per_day="5.5").server()) as agent:
        first, second, third = [await agent.call_tool(TOOL, arguments | ONE | {"seed": seed}) for seed in range(3)]

    assert "2.5 of 5.5 Creative Units spent within 24 hours, 3 left" in text_of(first)
    assert "5 of 5.5 Creative Units spent within 24 hours, 0.5 left" in text_of(second)
    assert third.is_error
    assert (
        "would cost 2.5 Creative Units, and 5 were spent within 24 hours; SCENARIO_MAX_CU_PER_DAY allows 5.5"
        in text_of(third)
    )
    assert all("not the web app or other machines" in text_of(result) for result in (first, second, third))
    assert world.billed == 5


async def test_the_cap_of_a_day_holds_over_restarts_and_accounts_and_rolls_on(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    world.accounts["other"] = "secret"
    capped(machine, per_day="4")
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments | ONE)
    async with agent_of(machine.server(credentials=("other", "secret"))) as agent:
        too_much = await agent.call_tool(TOOL, arguments | ONE)
        await anyio.sleep(24 * 3600)
        made(await agent.call_tool(TOOL, arguments | ONE))

    assert "SCENARIO_MAX_CU_PER_DAY" in text_of(too_much)
    assert len(world.ledger) == 2


async def test_what_failed_and_was_refunded_is_counted_back(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(capped(machine, per_day="4").server()) as agent:
        failed = await agent.call_tool(TOOL, arguments | ONE | {"prompt": "sandbox:fail"})
        made(await agent.call_tool(TOOL, arguments | ONE))

    assert failed.is_error
    assert "0 of 4 Creative Units spent within 24 hours, 4 left" in text_of(failed)
    assert len(world.ledger) == 2


async def test_what_was_canceled_counts_as_spent(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    async with agent_of(capped(machine, per_day="4").server()) as agent:
        canceled = await agent.call_tool(TOOL, arguments | ONE | {"prompt": "sandbox:cancel"})
        too_much = await agent.call_tool(TOOL, arguments | ONE)

    assert "2.5 of 4 Creative Units spent" in text_of(canceled)
    assert "SCENARIO_MAX_CU_PER_DAY" in text_of(too_much)


@pytest.mark.parametrize("fault", [reset_before, reset_after, server_error], ids=["before", "after", "500"])
async def test_what_may_be_billed_counts_as_spent(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any], fault: Fault
) -> None:
    network.plan("GET /v1/jobs", answers(403, {}), FOREVER)
    async with agent_of(capped(machine, per_day="4").server()) as agent:
        await agent.call_tool(TOOL, arguments | ONE | {"dryRun": True})
        skip_the_price(network, fault)
        lost = await agent.call_tool(TOOL, arguments | ONE)
        too_much = await agent.call_tool(TOOL, arguments | ONE | {"seed": 2})

    assert lost.is_error
    assert "2.5 were spent within 24 hours" in text_of(too_much)


def skip_the_price(network: SandboxNetwork, fault: Fault) -> None:
    async def only_paid(request: Any, deliver: Any) -> Any:
        if "dryRun" in request.url.params:
            return await deliver(request)
        return await fault(request, deliver)

    network.plan(GENERATE, only_paid, 2)


async def test_what_was_refused_does_not_count(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    skip_the_price(network, answers(400, {"reason": "no"}))
    async with agent_of(capped(machine, per_day="4").server()) as agent:
        assert (await agent.call_tool(TOOL, arguments | ONE)).is_error
        made(await agent.call_tool(TOOL, arguments | ONE | {"seed": 2}))

    assert len(world.ledger) == 1


HIDING = {
    "no connection": refused,
    "busy": busy,
    "500": server_error,
    "hang": hangs_before,
    "no price": answers(269, {}),
}


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("cap", [{"per_call": "100"}, {"per_day": "100"}], ids=["call", "day"])
async def test_a_price_that_cannot_be_learned_counts_as_over_the_cap(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str, cap: dict[str, str]
) -> None:
    network.plan(GENERATE, HIDING[name], FOREVER)
    began = anyio.current_time()
    async with agent_of(capped(machine, **cap).server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "counts as over the cap" in text_of(result)
    assert ("call again in a moment" in text_of(result)) == (name != "no price")
    assert "Nothing was generated or billed" in text_of(result)
    assert anyio.current_time() - began <= 45
    assert world.ledger == []
    assert all(seen.query.get("dryRun") == "true" for seen in world.requests if "/generate/" in seen.path)


async def test_a_call_whose_price_nobody_names_before_it_runs_is_not_made_under_a_cap(
    machine: Machine, network: SandboxNetwork, world: World, hero: str
) -> None:
    machine.toolsets = ("edit",)
    crop = {"image": hero, "crop": {"left": 0, "top": 0, "width": 8, "height": 8}}
    async with agent_of(capped(machine, per_call="100").server()) as agent:
        result = await agent.call_tool("post-patch-inferences", crop)
        asked = await agent.call_tool("post-patch-inferences", crop | {"dryRun": True})

    assert "names no price of this kind of call before it runs, which counts as over the cap" in text_of(result)
    assert "dryRun" in text_of(asked)
    assert network.count(GENERATE) == 0
    assert world.ledger == []


@pytest.mark.parametrize(("billed", "told"), [(13, True), (9.5, True), (10, False), (None, False)])
async def test_a_bill_that_is_not_the_price_that_was_asked_for_is_told(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any], billed: float | None, told: bool
) -> None:
    async def other(request: Any, deliver: Any) -> Any:
        said = json.loads(await (await deliver(request)).aread())
        return httpx.Response(
            200, json=said | ({} if "dryRun" in request.url.params else {"creativeUnitsCost": billed})
        )

    network.plan(GENERATE, other, 2)
    async with agent_of(capped(machine, per_day="100").server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    note = f"named a price of 10 Creative Units; {billed} were billed. Tell the user."
    assert (note in text_of(result)) == told
    assert f"billed {billed or 10} Creative Units" in text_of(result)


async def test_a_price_question_of_the_agent_has_no_cap(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    async with agent_of(capped(machine, per_call="0", per_day="0").server()) as agent:
        quote = made(await agent.call_tool(TOOL, arguments | {"dryRun": True}))

    assert quote["creativeUnitsCost"] == 10
    assert network.count(GENERATE) == 1


async def test_a_call_that_joins_is_not_capped(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    machine.wait_seconds = 0
    async with agent_of(capped(machine, per_day="10").server()) as agent:
        ids = {made(await agent.call_tool(TOOL, arguments))["jobId"] for _ in range(3)}

    assert len(ids) == len(world.ledger) == 1


@pytest.mark.parametrize("servers", [1, 2, 8])
async def test_calls_at_once_cannot_slip_under_one_cap_together(
    machine: Machine, world: World, arguments: dict[str, Any], servers: int
) -> None:
    world.slots = 100
    capped(machine, per_day="13")
    results: list[Any] = []

    async def call(agent: McpClient, number: int) -> None:
        results.append(await agent.call_tool(TOOL, arguments | ONE | {"seed": number}))

    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(agent_of(machine.server())) for _ in range(servers)]
        async with anyio.create_task_group() as tasks:
            for number in range(24):
                tasks.start_soon(call, agents[number % servers], number)

    assert world.billed == 12.5
    assert sum(not result.is_error for result in results) == 5


@pytest.mark.parametrize("caps", [{"per_day": "100"}, {"per_call": "100"}, {}])
async def test_without_a_journal_nothing_is_paid_whatever_the_cap(
    machine: Machine, world: World, arguments: dict[str, Any], caps: dict[str, str]
) -> None:
    file = Path.home() / "a-file"
    file.touch()
    machine.state = file / "state"  # where no folder can be made
    async with agent_of(capped(machine, **caps).server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert f"The state file {machine.state / 'state.db'} cannot be read or written (Not a directory)" in text_of(result)
    assert "set SCENARIO_STATE_DIR to another folder" in text_of(result)
    assert world.ledger == []


async def test_caps_and_spending_are_listed(machine: Machine, arguments: dict[str, Any]) -> None:
    async with agent_of(capped(machine, per_call="3", per_day="100.25").server()) as agent:
        await agent.call_tool(TOOL, arguments | ONE)
        listed = await agent.call_tool(LIST, {})

    assert made(listed)["spending"] == {
        "last24Hours": 2.5,
        "perCallCap": 3,
        "perDayCap": 100.25,
        "leftUnderCap": 97.75,
        "plan": "cu-pro",
        "unitsLeftInPlan": 10_037.5,
        "counted": budget.KNOWN_ONLY,
    }
    assert "leftUnderCap 97.75" in text_of(listed)
    assert budget.KNOWN_ONLY in text_of(listed)


@pytest.mark.parametrize(
    ("price", "spent", "cap", "fits"),
    [
        ("0.1", "0.2", "0.3", True),
        ("0.1", "0.2", "0.299999", False),
        ("1", "0", "1", True),
        ("0", "1", "1", True),
        ("0.0000001", "1", "1", False),
        ("0.1", "0", "0", False),
    ],
)
def test_decimals_are_exact(price: str, spent: str, cap: str, fits: bool) -> None:
    caps = Caps(per_day=Decimal(cap))

    if fits:
        budget.check_day(caps, budget.millionths(Decimal(price)), budget.millionths(Decimal(spent)))
    else:
        with pytest.raises(OverCap):
            budget.check_day(caps, budget.millionths(Decimal(price)), budget.millionths(Decimal(spent)))
