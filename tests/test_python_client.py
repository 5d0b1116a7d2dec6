"""The official Python client drives the real server over its pipes, in both eras and by both ways to start."""

import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ImageContent, TextContent, TextResourceContents

from scenario_mcp import __version__
from scenario_mcp.sandbox.world import World
from support.agents import CORE, ERAS, LIST, TOOL, WAIT, made, text_of
from support.nightly import by_day
from support.pictures import png
from support.stdio import environment

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, colour in (("hero.png", "tan"), ("ink.png", "navy")):
        (tmp_path / name).write_bytes(png(colour))
    return tmp_path


FAST, NOT_FAST = "", "--no-fast-start"


@pytest.mark.parametrize(
    ("era", "way"), by_day([("auto", FAST), ("legacy", NOT_FAST)], product(ERAS, (FAST, NOT_FAST)))
)
async def test_a_whole_session(era: Any, way: str, base_url: str, quick_world: World, pictures: Path) -> None:
    settings = environment(base_url, SCENARIO_INPUT_DIRS=str(pictures), SCENARIO_OUTPUT_DIR=str(pictures / "results"))
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "scenario_mcp", *filter(None, [way])], env=settings
    )
    told: list[float] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async with Client(command, mode=era) as agent:
        assert agent.server_info is not None
        assert agent.server_info.version == __version__
        assert [tool.name for tool in (await agent.list_tools()).tools] == CORE
        assert len((await agent.list_prompts()).prompts) == 3
        assert len((await agent.list_resource_templates()).resource_templates) == 2
        assert (await agent.list_resources()).resources == []

        arguments: dict[str, Any] = {
            "modelId": "model_sandbox-ink",
            "prompt": "a phoenix",
            "image": str(pictures / "hero.png"),
            "ipAdapterImages": [str(pictures / "ink.png")],
            "numSamples": 1,
        }
        result = await agent.call_tool(TOOL, arguments, progress_callback=tell)
        [asset] = made(result)["assets"]
        assert Path(asset["path"]).read_bytes().startswith(b"\x89PNG")
        assert any(isinstance(block, ImageContent) for block in result.content)

        waited = await agent.call_tool(WAIT, {"jobIds": [made(result)["jobId"]]})
        assert made(waited)["jobs"][0]["assets"] == [asset]
        assert made(result)["jobId"] in text_of(await agent.call_tool(LIST, {}))
        refused = await agent.call_tool(TOOL, arguments | {"width": 65})
        assert refused.is_error
        assert "multiple of 8" in text_of(refused)

        written = await agent.get_prompt("find-a-model", {"purpose": "ink"})
        assert isinstance(written.messages[0].content, TextContent)
        read = (await agent.read_resource(f"scenario://assets/{asset['assetId']}")).contents[0]
        assert isinstance(read, TextResourceContents)
        assert asset["assetId"] in read.text
        with pytest.raises(MCPError, match="Unknown tool"):
            await agent.call_tool("make-coffee", {})

    assert len(quick_world.ledger) == 1
    assert told == sorted(told)
    assert told
