"""Records that are too large, too deep, of another thing or of no time at all: bounded, and said."""

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from support import bombs
from support.agents import LIST, TOOL, WAIT, agent_of, made, text_of
from support.network import GENERATE, JOBS, Deliver, Fault, SandboxNetwork, reset_after
from support.nightly import by_day
from support.poison import PoisonedNetwork
from support.servers import Machine
from support.tour import Tour

pytestmark = pytest.mark.anyio

MODEL = "GET /v1/models/"
DEEP, LEVELS = "@deep@", 300  # lists in objects; no encoder writes so many
NESTED = '{"a": [' * LEVELS + "1" + "]}" * LEVELS


def changed(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Answer as the API does, but for what is changed."""

    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        data = json.loads(await (await deliver(request)).aread())
        change(data)
        return httpx.Response(200, text=json.dumps(data).replace(f'"{DEEP}"', NESTED))

    return fault


async def test_of_20_000_inputs_some_are_read_and_the_rest_is_said(network: SandboxNetwork, agent: McpClient) -> None:
    inputs = [{"name": f"input{number}", "type": "string", "description": "x" * 40} for number in range(20_000)]
    network.plan(MODEL, changed(lambda data: data["model"].update(inputs=inputs)))

    result = await agent.call_tool("get-model", {"modelId": "model_sandbox-film"})

    assert "more inputs, which could not be read" in text_of(result)
    assert len(text_of(result)) + len(json.dumps(made(result))) < 10_000


@pytest.mark.parametrize("field", ["allowedValues", "modelTypes"])
async def test_a_list_without_end_within_an_input_is_bounded(
    network: SandboxNetwork, agent: McpClient, field: str
) -> None:
    inputs = [{"name": f"input{number}", "type": "string", field: ["v"] * 1_000} for number in range(100)]
    network.plan(MODEL, changed(lambda data: data["model"].update(inputs=inputs, tags=["t"] * 5_000)))

    result = await agent.call_tool("get-model", {"modelId": "model_sandbox-film"})

    assert len(text_of(result)) + len(json.dumps(made(result))) < 10_000


@pytest.mark.nightly
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_record_with_a_hundred_thousand_inputs_holds_nobody_up(world: World) -> None:
    inputs = [{"name": f"input{number}", "type": "string", "required": {"always": True}} for number in range(100_000)]
    network = SandboxNetwork(world)
    network.plan(MODEL, changed(lambda data: data["model"].update(inputs=inputs)), times=2)
    async with agent_of(Machine(network).server()) as agent:
        arguments = {"modelId": "model_sandbox-film", "parameters": {"nothing": 1}, "dryRun": True}
        await agent.call_tool("find-models", {"limit": 1})
        async with bombs.heart() as beating:
            await agent.call_tool("run-model", arguments)

    assert beating.pause < 1.5  # of which the network in memory takes most; it was 5.5 s


async def test_the_record_of_another_model_is_not_taken_for_the_one_that_was_asked_for(
    network: SandboxNetwork, agent: McpClient
) -> None:
    network.plan(MODEL, changed(lambda data: data["model"].update(id="model_other")))

    refused = await agent.call_tool("get-model", {"modelId": "model_sandbox-film"})
    read = await agent.call_tool("get-model", {"modelId": "model_sandbox-film"})

    assert refused.is_error
    assert "without the record of the model that was asked for" in text_of(refused)
    assert made(read)["modelId"] == "model_sandbox-film"


async def test_the_price_of_another_model_is_not_checked_by_a_strangers_record(
    network: SandboxNetwork, agent: McpClient, world: World
) -> None:
    network.plan(
        "POST /v1/models/get-bulk", changed(lambda data: [each.update(id="model_evil") for each in data["models"]])
    )

    found = made(await agent.call_tool("find-models", {"query": "ink"}))

    assert "model_evil" not in [row["modelId"] for row in found["models"]]


ODD_TIMES = [
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00Z", "2201-01-01T00:00:00+14:00", "now", 7, None,
    "../../etc", "2026-13-45",
]  # fmt: skip


@pytest.mark.parametrize("created", by_day([ODD_TIMES[0], ODD_TIMES[1], 7, "../../etc"], ODD_TIMES))
async def test_no_time_of_a_record_names_a_folder_of_another_age(
    network: SandboxNetwork, arguments: dict[str, Any], tmp_path: Path, created: Any
) -> None:
    network.plan(JOBS, changed(lambda data: data["job"].update(createdAt=created)), times=99)
    machine = Machine(network, shelf=tmp_path / "results", previews=False)

    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(TOOL, arguments))

    assert {Path(asset["path"]).parent.name[:2] for asset in result["assets"]} == {"20"}
    assert "0001" not in json.dumps(result)
    assert "9999-12" not in json.dumps(result)


PLACES = {
    "input of a job": (JOBS, lambda data: data["job"]["metadata"]["input"].update(deep=DEEP)),
    "output of a job": (
        JOBS,
        lambda data: data["job"]["metadata"].update(output={"segments": [{"bbox": DEEP}]}),
    ),
    "billing of a job": (JOBS, lambda data: data["job"].update(billing=DEEP)),
    "acceptance": (GENERATE, lambda data: data.update(segments=DEEP, more=DEEP)),
    "facts of assets": ("POST /v1/assets", lambda data: data["assets"][0].update(metadata=DEEP)),
    "inputs of a model": (MODEL, lambda data: data["model"].update(inputs=[{"name": "a", "default": DEEP}])),
}


@pytest.mark.parametrize("place", by_day(["input of a job", "acceptance", "facts of assets"], PLACES))
async def test_nesting_in_a_record_takes_no_result_away(
    network: SandboxNetwork, arguments: dict[str, Any], tmp_path: Path, place: str, caplog: Any
) -> None:
    prefix, change = PLACES[place]
    network.plan(prefix, changed(change), times=99)
    machine = Machine(network, state=tmp_path / "state", shelf=tmp_path / "results", previews=False)

    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(TOOL, arguments))
        listed = made(await agent.call_tool(LIST, {"everything": True}))
        [again] = made(await agent.call_tool(WAIT, {"jobIds": [result["jobId"]]}))["jobs"]

    assert [asset["path"] for asset in result["assets"]] == [asset["path"] for asset in again["assets"]]
    assert len(listed["jobs"]) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_job_that_cannot_be_read_is_never_taken_for_no_job(
    network: SandboxNetwork, arguments: dict[str, Any], tmp_path: Path, world: World
) -> None:
    """Else a request whose answer was lost counts as never accepted, and is paid for again."""
    network.plan(GENERATE, reset_after)
    network.plan(
        "GET /v1/jobs", changed(lambda data: [job.update(jobId="job of a new kind!") for job in data["jobs"]]), 99
    )
    machine = Machine(network, state=tmp_path / "state", previews=False)

    async with agent_of(machine.server()) as agent:
        for _ in range(4):
            result = await agent.call_tool(TOOL, arguments)
            assert result.is_error
            await anyio.sleep(120)

    assert len(world.ledger) == 1


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    10**30,
    "",
    " ",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    [None, 7, {}],
    "x" * 9_000,
)


def _next_of(values: Iterator[Any], _: Any) -> Any:
    return next(values, None)


async def test_no_odd_value_in_a_record_breaks_a_tool(world: World, tmp_path: Path, caplog: Any) -> None:
    tour = Tour(world, tmp_path)
    await tour.prepare()
    for number, (kind, fields) in enumerate((await tour.fields()).items()):
        network = PoisonedNetwork(world)
        network.paths = [path for path in fields if not path[-1].lower().endswith("id")]
        network.spoil = partial(_next_of, iter(ODD[number % len(ODD) :] + ODD * len(fields)))
        await tour.visit(network, kind)

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
