"""The main job: from a call to finished images, as an agent sees it."""

from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services
from support.agents import TOOL, data_of, text_of

pytestmark = pytest.mark.anyio


async def test_a_call_gives_finished_images_in_both_eras(
    services: Services, arguments: dict[str, Any], world: World, era: str
) -> None:
    async with McpClient(create_server(services), mode=era, raise_exceptions=era == "auto") as agent:
        result = await agent.call_tool(TOOL, arguments | {"numSamples": 2, "width": 640, "height": 384})

    made = data_of(result)
    assert made is not None
    assert made["status"] == "success"
    assert made["modelId"] == "model_sandbox-ink"
    assert made["jobId"] in world.jobs
    assert [(each["width"], each["height"], each["mimeType"]) for each in made["assets"]] == [
        (640, 384, "image/png")
    ] * 2
    assert made["creativeUnitsCost"] == world.ledger[0].cost
    assert len(world.ledger) == 1


async def test_text_and_structured_content_say_the_same_facts(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    made = data_of(result)
    assert made is not None
    said = text_of(result)
    for fact in (made["status"], made["jobId"], made["modelId"], f"{made['creativeUnitsCost']:g} Creative Units"):
        assert fact in said
    for asset in made["assets"]:
        assert asset["assetId"] in said
        assert f"{asset['width']}x{asset['height']}" in said
