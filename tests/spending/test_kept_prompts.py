"""Lost answers of jobs whose records name a text asset in place of the prompt: found by the words in it."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from scenario_mcp.sandbox.world import World
from scenario_mcp.spending import recovery
from support.agents import LIST, agent_of, made, text_of
from support.network import GENERATE, Deliver, Fault, SandboxNetwork, answers, reset_after
from support.servers import Machine

pytestmark = pytest.mark.anyio

FOREVER = 10_000
RUN, FLUX = "run-model", "model_bfl-flux-2-dev"
FOUND = "the job was found again, and nothing was paid twice"
PHOENIX: dict[str, Any] = {"modelId": FLUX, "parameters": {"prompt": "a phoenix"}}


def beside(prompt: str) -> Fault:
    """Lose the answer, after somebody else made the same with another prompt at the same moment."""

    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        body = json.loads(request.content) | {"prompt": prompt}
        await deliver(httpx.Request(request.method, request.url, headers=_plain(request), json=body))
        await deliver(request)
        raise httpx.ReadError("reset", request=request)

    return fault


def _plain(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name not in ("content-length", "content-type")}


async def test_the_sandbox_names_an_asset_for_the_prompt_as_records_do(machine: Machine, world: World) -> None:
    async with agent_of(machine.server()) as agent:
        for seed in range(2):
            made(await agent.call_tool(RUN, {**PHOENIX, "parameters": {**PHOENIX["parameters"], "seed": seed}}))

    said = {world.job_record(job)["metadata"]["input"]["prompt"] for job in world.jobs.values()}
    assert [world.assets[each].content for each in said] == [b"a phoenix"]


async def test_a_lost_job_is_found_though_its_record_names_an_asset_for_its_prompt(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(GENERATE, reset_after)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(RUN, PHOENIX)

    assert FOUND in text_of(result)
    assert len(world.ledger) == 1


@pytest.mark.parametrize("other", ["a dragon", "a phoenix over mountains", "A phoenix", "phoenix"])
async def test_of_several_jobs_the_one_with_the_words_that_were_sent_is_taken(
    machine: Machine, network: SandboxNetwork, world: World, other: str
) -> None:
    network.plan(GENERATE, beside(other))
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(RUN, PHOENIX)

    assert FOUND in text_of(result)
    assert made(result)["jobId"] == next(bill.job_id for bill in world.ledger if bill.body["prompt"] == "a phoenix")


async def test_two_lost_answers_that_differ_in_their_words_are_both_found(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(GENERATE, reset_after, 2)
    found: dict[str, Any] = {}

    async def call(agent: Any, prompt: str) -> None:
        found[prompt] = await agent.call_tool(RUN, {"modelId": FLUX, "parameters": {"prompt": prompt}})

    async with agent_of(machine.server()) as agent, anyio.create_task_group() as tasks:
        for prompt in ("a phoenix", "a dragon"):
            tasks.start_soon(call, agent, prompt)

    assert {bill.body["prompt"]: bill.job_id for bill in world.ledger} == {
        prompt: made(result)["jobId"] for prompt, result in found.items()
    }


def _unreadable(world: World, network: SandboxNetwork) -> None:
    network.plan("POST /v1/assets/get-bulk", answers(403, {"message": "Forbidden"}), FOREVER)


def _gone(world: World, network: SandboxNetwork) -> None:
    network.plan("GET /assets", answers(404, {}), FOREVER)


def _no_text(world: World, network: SandboxNetwork) -> None:
    network.plan("GET /assets", answers(200, text="\xff\xfe", content_type="image/png"), FOREVER)


def _wrapped(world: World, network: SandboxNetwork) -> None:
    network.plan("GET /assets", answers(200, text="Improve: a phoenix, highly detailed"), FOREVER)


def _endless(world: World, network: SandboxNetwork) -> None:
    network.plan("GET /assets", answers(200, text="a phoenix" + " " * 100_000), FOREVER)


@pytest.mark.parametrize("trouble", [_unreadable, _gone, _no_text, _wrapped, _endless])
async def test_jobs_whose_words_cannot_be_told_apart_are_listed_and_nothing_is_sent(
    machine: Machine, network: SandboxNetwork, world: World, trouble: Callable[[World, SandboxNetwork], None]
) -> None:
    network.plan(GENERATE, beside("a dragon"))
    trouble(world, network)
    async with agent_of(machine.server()) as agent:
        first = await agent.call_tool(RUN, PHOENIX)
        await anyio.sleep(100)
        again = await agent.call_tool(RUN, PHOENIX)

    for result in (first, again):
        assert result.is_error
        assert "2 jobs may be its own" in text_of(result)
    assert len(world.ledger) == 2


async def test_jobs_of_the_same_words_are_not_told_apart(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(GENERATE, beside("a phoenix"))
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(RUN, PHOENIX)

    assert "2 jobs may be its own" in text_of(result)


async def test_the_secret_in_a_prompt_hides_no_job(machine: Machine, network: SandboxNetwork, world: World) -> None:
    from support.worlds import SANDBOX_CREDENTIALS

    network.plan(GENERATE, beside("a dragon"))
    async with agent_of(machine.server()) as agent:
        call = {"modelId": FLUX, "parameters": {"prompt": f"a phoenix {SANDBOX_CREDENTIALS[1]}"}}
        result = await agent.call_tool(RUN, call)

    assert FOUND in text_of(result)


REPEATED: list[tuple[Any, Any, bool]] = [  # sent, repeated, agrees
    ("a phoenix", "asset_a", True),
    ("https://example.com/a.png", "asset_a", True),
    ("asset_a", "asset_a", True),
    ("asset_a", "asset_b", False),
    ("asset_a", "https://cdn.example/a.png", True),
    (["asset_a", "asset_b"], ["asset_a", "asset_c"], False),
    (["a", "b"], ["asset_a", "asset_b"], True),
    (7, "asset_a", False),
    ({"prompt": "a"}, {"prompt": "asset_a"}, True),
]


@pytest.mark.parametrize(("sent", "repeated", "agrees"), REPEATED)
def test_what_a_repeated_asset_may_stand_for(sent: Any, repeated: Any, agrees: bool) -> None:
    assert recovery._agree(sent, repeated) == agrees


async def test_a_job_found_by_look_up_is_told_with_all_its_fees(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(GENERATE, reset_after)
    async with agent_of(machine.server()) as agent:
        found = made(await agent.call_tool(RUN, PHOENIX))
        listed = made(await agent.call_tool(LIST, {"everything": True}))

    assert found["creativeUnitsCost"] == listed["jobs"][0]["creativeUnitsCost"] == world.billed
    billing = world.job_record(next(iter(world.jobs.values())))["billing"]
    assert billing["cuCost"] < world.billed
