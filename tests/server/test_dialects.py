"""Hosts differ in what they show: text, or only the data if there is any, and pictures or none. Each view must do."""

import base64
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client as McpClient
from mcp.server import Server
from mcp.shared.message import SessionMessage
from mcp.types import CallToolResult, ImageContent, JSONRPCError, JSONRPCRequest, JSONRPCResponse
from PIL import Image

from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.server.results import DATA_KEY
from support.agents import CANCEL, LIST, RERUN, TOOL, WAIT, data_of, made, text_of
from support.servers import Machine
from support.stdio import INFO, MODERN_META, VERSIONS

pytestmark = pytest.mark.anyio


def only_data(result: CallToolResult) -> str:
    return json.dumps(data_of(result), ensure_ascii=False)


def only_text(result: CallToolResult) -> str:
    return text_of(result)


def only_pictures(result: CallToolResult) -> list[Image.Image]:
    blocks = [block for block in result.content if isinstance(block, ImageContent)]
    return [Image.open(io.BytesIO(base64.b64decode(block.data))) for block in blocks]


VIEWS: dict[str, Callable[[CallToolResult], str]] = {"data": only_data, "text": only_text}
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


@pytest.fixture
async def agent(machine: Machine, tmp_path: Path, era: str) -> AsyncIterator[McpClient]:
    machine.shelf, machine.previews = tmp_path / "results", True
    services = machine.server()
    async with McpClient(create_server(services), mode=era) as client:
        yield client
    await services.client.aclose()


@pytest.fixture
async def unsaved(machine: Machine, era: str) -> AsyncIterator[McpClient]:
    """An agent of a person who keeps no files and wants no previews."""
    services = machine.server()
    async with McpClient(create_server(services), mode=era) as client:
        yield client
    await services.client.aclose()


@every_view
async def test_results_say_what_was_made_where_it_is_and_what_it_cost(
    agent: McpClient, world: World, arguments: dict[str, Any], tmp_path: Path, view: Callable[[CallToolResult], str]
) -> None:
    said = view(await agent.call_tool(TOOL, arguments | {"numSamples": 2}))

    [job] = world.jobs.values()
    files = sorted((tmp_path / "results").rglob("*.png"))
    assert len(files) == 2
    for fact in ("success", job.id, *job.asset_ids, f"{job.cost:g}"):
        assert fact in said, fact
    assert all(json.dumps(str(file))[1:-1] in said for file in files)


async def test_a_result_that_shows_pictures_has_its_data_only_where_no_host_shows_it_to_a_model(
    agent: McpClient, arguments: dict[str, Any]
) -> None:
    shown = await agent.call_tool(TOOL, arguments | {"numSamples": 2})
    again = await agent.call_tool("show-assets", {"jobId": made(shown)["jobId"]})
    price = await agent.call_tool(TOOL, arguments | {"dryRun": True})

    for result in (shown, again):
        assert result.structured_content is None, "Codex and others would show neither text nor pictures"
        assert result.meta is not None
        assert result.meta["scenario-mcp/result"]["status"] == "success"
        assert "preview of result 1; preview of result 2" in only_text(result)
        assert len(only_pictures(result)) == 2
    assert price.structured_content is not None
    assert DATA_KEY not in (price.meta or {})


LINKED = {"2024-11-05": False, "2025-03-26": False, "2025-06-18": True, "2025-11-25": True, "2026-07-28": True}


@pytest.mark.parametrize(("version", "known"), LINKED.items())
async def test_results_carry_links_only_where_they_are_wanted_and_known(
    machine: Machine, arguments: dict[str, Any], version: str, known: bool
) -> None:
    services = machine.server()
    for links in (False, True):
        result = await _called(create_server(services, links=links), version, arguments | {"numSamples": 1})

        assert [block["type"] for block in result["content"]] == ["text", *["resource_link"] * (links and known)]
    await services.client.aclose()


async def _called(server: Server[Any], version: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call the main tool as a host of this version does, and give its raw result."""
    opening = {"protocolVersion": version, "capabilities": {}, "clientInfo": INFO}
    meta: dict[str, Any] = MODERN_META if version == VERSIONS["modern"] else {}
    messages: list[dict[str, Any]] = [
        *([] if meta else [{"id": 1, "method": "initialize", "params": opening}]),
        {"id": 2, "method": "tools/call", "params": {"name": TOOL, "arguments": arguments, "_meta": meta}},
    ]
    to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](2)
    outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    result: dict[str, Any] = {}
    async with anyio.create_task_group() as tasks, to_server, from_server:
        tasks.start_soon(server.run, incoming, outgoing, server.create_initialization_options())
        for message in messages:
            await to_server.send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", **message)))
            while not isinstance(answer := (await from_server.receive()).message, JSONRPCResponse):
                assert not isinstance(answer, JSONRPCError), answer
            result = answer.result
        tasks.cancel_scope.cancel()
    return result


@every_view
async def test_what_is_not_saved_has_an_address(
    unsaved: McpClient, world: World, arguments: dict[str, Any], view: Callable[[CallToolResult], str]
) -> None:
    made = view(await unsaved.call_tool(TOOL, arguments | {"numSamples": 1}))
    shown = view(await unsaved.call_tool("show-assets", {"jobId": next(iter(world.jobs))}))

    for said in (made, shown):
        assert re.search(r"https?://\S+/assets", said), said


@every_view
@pytest.mark.parametrize("plan", ["slow", "stuck"])
async def test_a_job_that_goes_on_says_how_to_wait_for_it(
    agent: McpClient, world: World, arguments: dict[str, Any], plan: str, view: Callable[[CallToolResult], str]
) -> None:
    said = view(await agent.call_tool(TOOL, arguments | {"prompt": f"sandbox:{plan}"}))

    [job] = world.jobs.values()
    for fact in ("in-progress", job.id, WAIT, f'{{"jobIds": ["{job.id}"]}}'):
        assert fact in said, fact


async def test_an_error_says_all_in_its_text_since_hosts_drop_the_rest(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    failed = only_text(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:fail"}))
    refused = only_text(await agent.call_tool(TOOL, arguments | {"width": 65}))

    [job] = world.jobs.values()
    assert job.id in failed
    assert "Scenario refunds failed jobs" in failed
    assert "width" in refused
    assert "multiple of 8" in refused


@every_view
async def test_notes_and_prices_are_in_every_view(
    agent: McpClient, arguments: dict[str, Any], view: Callable[[CallToolResult], str]
) -> None:
    said = view(await agent.call_tool(TOOL, arguments | {"dryRun": True, "ipAdapterScale": 0.5, "imageHide": True}))

    assert "10 Creative Units" in said or '"creativeUnitsCost": 10.0' in said
    assert "imageHide" in said


READING: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("find-models", {"query": "ink"}, "models", "modelId"),
    ("get-model", {"modelId": "model_bfl-flux-2-dev"}, "inputs", "name"),
    (LIST, {}, "jobs", "jobId"),
)


@pytest.mark.parametrize(("tool", "given", "rows", "key"), READING, ids=[each[0] for each in READING])
async def test_what_reading_tools_list_is_in_both_views(
    agent: McpClient, arguments: dict[str, Any], tool: str, given: dict[str, Any], rows: str, key: str
) -> None:
    await agent.call_tool(TOOL, arguments)

    result = await agent.call_tool(tool, given)

    assert data_of(result) is not None
    listed = data_of(result)[rows]
    assert listed
    assert all(str(row[key]) in only_text(result) for row in listed)


def _looks_like(picture: Image.Image, others: Sequence[Image.Image]) -> int:
    """Give the number of the picture that another one looks most like."""
    small = [_grid(each) for each in (picture, *others)]
    apart = [sum(abs(a - b) for a, b in zip(small[0], each, strict=True)) for each in small[1:]]
    return apart.index(min(apart))


def _grid(picture: Image.Image) -> bytes:
    return picture.convert("RGB").resize((16, 16)).tobytes()


async def test_a_host_of_pictures_sees_every_picture_in_the_order_of_the_list(
    agent: McpClient, arguments: dict[str, Any]
) -> None:
    few = await agent.call_tool(TOOL, arguments | {"numSamples": 3})
    many = await agent.call_tool(TOOL, arguments | {"numSamples": 6})

    files = [Image.open(asset["path"]) for asset in made(few)["assets"]]
    assert [_looks_like(shown, files) for shown in only_pictures(few)] == [0, 1, 2]
    [sheet] = only_pictures(many)
    files = [Image.open(asset["path"]) for asset in made(many)["assets"]]
    width, height = sheet.width // 3, sheet.height // 2
    cells = [(column * width, row * height) for row in (0, 1) for column in range(3)]
    cut = [sheet.crop((left, top, left + width - 4, top + height - 4)) for left, top in cells]
    assert [_looks_like(each, [_framed(file, width - 4) for file in files]) for each in cut] == list(range(6))


def _framed(picture: Image.Image, side: int) -> Image.Image:
    """Show a picture as a sheet does: shrunk, in the middle of a white square."""
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    square = Image.new("RGB", (side, side), "white")
    square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return square


@every_view
async def test_every_other_way_to_a_result_says_the_same(
    agent: McpClient, world: World, arguments: dict[str, Any], view: Callable[[CallToolResult], str]
) -> None:
    first = view(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    [job] = world.jobs.values()

    waited = view(await agent.call_tool(WAIT, {"jobIds": [job.id]}))
    shown = view(await agent.call_tool("show-assets", {"jobId": job.id}))
    canceled = view(await agent.call_tool(CANCEL, {"jobId": job.id}))
    again = view(await agent.call_tool(RERUN, {"jobId": job.id}))

    for said in (first, waited, shown):
        assert job.asset_ids[0] in said
        assert ".png" in said
    assert job.id in canceled
    [_, rerun] = world.jobs
    assert rerun in again
