"""Nothing is billed while the agent asked for a price, wherever it wrote that and whatever a stranger's record says."""

import json
from typing import Any

import pytest
from mcp import Client as McpClient
from mcp.types import CallToolResult

from scenario_mcp.sandbox.world import World
from support.agents import RERUN, agent_of, made, text_of
from support.network import SandboxNetwork
from support.nightly import by_day, crossed
from support.servers import Machine
from support.worlds import BLIND

pytestmark = pytest.mark.anyio

FLUX1, LORA = "model_bfl-flux-1-dev", "model_sandbox-ink"

# How an agent, or a reader of JSON, may spell it.
SPELLINGS = [
    "dryRun",
    "dry_run",
    "dry-run",
    "dryrun",
    "DRYRUN",
    "DryRun",
    "dry run",
    "dryRun ",
    " dryRun",
    "_dryRun",
    "dry.run",
    "dry\u200bRun",
    "\uff44\uff52\uff59\uff32\uff55\uff4e",
    "dryRun?",
    '"dryRun"',
]
NESTED: dict[str, Any] = {
    "in parameters in parameters": {"parameters": {"prompt": "a fox", "dryRun": True}},
    "as JSON in a text": {"parameters": json.dumps({"prompt": "a fox", "dryRun": True})},
    "in options": {"options": {"dryRun": True}},
    "in a list": {"options": [{"dry_run": "true"}]},
    "under a longer name": {"isDryRun": True},
    "as a number": {"dryRun": 1},
    "as a word": {"dryRun": "yes"},
    "as an object": {"dryRun": {"value": True}},
    "as an empty text": {"dryRun": ""},
}


def owns(world: World, *names: str, kind: str = "boolean") -> None:
    """Let a stranger's record have inputs of these names."""
    inputs = world.models[FLUX1]["inputs"]
    world.models[FLUX1] |= {"inputs": [*inputs, *({"name": name, "type": kind} for name in names)]}


async def run(agent: McpClient, parameters: dict[str, Any], model_id: str = FLUX1, **more: Any) -> CallToolResult:
    return await agent.call_tool(
        "run-model", {"modelId": model_id, "parameters": {"prompt": "a fox", **parameters}, **more}
    )


ASKING = [("dryRun", " TRUE"), *((name, True) for name in SPELLINGS)]


@pytest.mark.parametrize(("name", "value"), by_day(ASKING[::3], ASKING))
async def test_a_price_is_asked_though_the_record_has_an_input_of_that_name(
    agent: McpClient, world: World, name: str, value: Any
) -> None:
    owns(world, name)

    content = made(await run(agent, {name: value}))

    assert content["status"] == "dry-run"
    assert world.ledger == []


@pytest.mark.parametrize("kind", ["string", "number", "file", "string_array", "inputs_array", "unheard of"])
async def test_a_price_is_asked_whatever_type_that_input_has(agent: McpClient, world: World, kind: str) -> None:
    owns(world, "dryRun", kind=kind)

    assert made(await run(agent, {"dryRun": True}))["status"] == "dry-run"
    assert world.ledger == []


@pytest.mark.parametrize(("how", "known"), crossed(list(NESTED), [True, False]))
async def test_what_may_ask_for_a_price_is_refused(
    network: SandboxNetwork, world: World, how: str, known: bool
) -> None:
    owns(world, *NESTED[how], kind="unheard of")
    server = Machine(network).server() if known else Machine(network).server(credentials=BLIND)
    async with agent_of(server) as agent:
        refused = await run(agent, NESTED[how])

    assert refused.is_error
    assert "belongs beside parameters, not inside" in text_of(refused)
    assert world.ledger == []


async def test_an_input_of_that_name_is_never_sent_even_as_false(agent: McpClient, world: World) -> None:
    owns(world, "dryRun")

    content = made(await run(agent, {"dryRun": False}))

    assert "dryRun was inside parameters" in content["notes"][0]
    assert "dryRun" not in world.ledger[0].body


@pytest.mark.parametrize(("name", "inside"), crossed(["dryRun", "dry_run", "dryRun ", "dry\u200bRun"], [False, True]))
async def test_a_rerun_that_asks_for_a_price_bills_nothing(
    agent: McpClient, world: World, name: str, inside: bool
) -> None:
    owns(world, name)
    job_id = made(await run(agent, {}))["jobId"]
    changes = {name: True}

    again = await agent.call_tool(RERUN, {"jobId": job_id, "overrides": {"parameters": changes} if inside else changes})

    assert made(again)["status"] == "dry-run"
    assert len(world.ledger) == 1


@pytest.mark.parametrize("name", ["dryRun", "dry_run"])
async def test_a_rerun_of_a_named_inference_prices_or_refuses(
    agent: McpClient, world: World, arguments: dict[str, Any], name: str
) -> None:
    job_id = made(await agent.call_tool("post-img2img-ip-adapter-inferences", arguments))["jobId"]

    again = await agent.call_tool(RERUN, {"jobId": job_id, "overrides": {name: True}})

    assert again.is_error != (name == "dryRun")
    assert len(world.ledger) == 1


async def test_the_call_to_make_instead_still_asks_for_the_price_only(agent: McpClient, world: World) -> None:
    instead = await run(agent, {"modelId": "model_sandbox-duo"}, LORA, dryRun=True)

    assert instead.is_error
    assert '"dryRun": true' in text_of(instead)


@pytest.mark.parametrize("model_id", [f"{FLUX1}?dryRun=false", f"{FLUX1}&dryRun=false#", f"x/../{FLUX1}?a=b"])
async def test_an_id_adds_nothing_to_the_query(agent: McpClient, world: World, model_id: str) -> None:
    await run(agent, {}, model_id, dryRun=True)

    assert world.ledger == []
    assert {seen.query.get("dryRun", "true") for seen in world.requests} == {"true"}


async def test_a_price_is_looked_for_in_bounded_depth(agent: McpClient, world: World) -> None:
    value: Any = {"dryRun": True}
    for _ in range(6):
        for _ in range(180):
            value = [value]
        value = json.dumps(value)

    refused = await run(agent, {"options": value})

    assert refused.is_error
    assert world.ledger == []


@pytest.mark.parametrize("name", ["projectId", "project_id", "PROJECTID "])
async def test_the_project_is_not_chosen_by_a_parameter(network: SandboxNetwork, world: World, name: str) -> None:
    async with agent_of(Machine(network).server(credentials=BLIND)) as agent:
        refused = await run(agent, {name: "proj_of_another"})

    assert refused.is_error
    assert "SCENARIO_PROJECT_ID" in text_of(refused)
    assert world.ledger == []
