"""What the MCP layer adds: protocol errors, and bugs that are not dressed up as advice."""

import logging
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient
from mcp import MCPError

from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services
from support.agents import TOOL, WAIT, data_of, text_of
from support.network import ASSETS, GENERATE, JOBS, Deliver, SandboxNetwork

pytestmark = pytest.mark.anyio


async def _has_a_bug(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    raise ZeroDivisionError("secret detail")


async def test_a_bug_is_a_protocol_error_whose_detail_is_only_in_the_log(
    services: Services,
    network: SandboxNetwork,
    arguments: dict[str, Any],
    era: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    network.plan(GENERATE, _has_a_bug)

    async with McpClient(create_server(services), mode=era) as agent:
        with caplog.at_level(logging.ERROR), pytest.raises(MCPError) as raised:
            await agent.call_tool(TOOL, arguments)

    assert raised.value.error.code == -32603
    assert "secret detail" not in str(raised.value.error)
    assert "ZeroDivisionError: secret detail" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("where", [JOBS, ASSETS])
async def test_a_bug_after_acceptance_keeps_no_job_id_from_the_agent(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    where: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    network.plan(where, _has_a_bug)

    result = await agent.call_tool(TOOL, arguments)

    made = data_of(result)
    assert not result.is_error
    assert made is not None
    assert made["next"] == {"tool": WAIT, "arguments": {"jobIds": [world.ledger[0].job_id]}}
    assert "internal error" in text_of(result)
    assert "secret detail" not in text_of(result)
    assert "ZeroDivisionError: secret detail" in caplog.text


async def test_an_unknown_tool_is_a_protocol_error(services: Services, era: str) -> None:
    async with McpClient(create_server(services), mode=era) as agent:
        with pytest.raises(MCPError) as raised:
            await agent.call_tool("make-coffee", {})

    assert raised.value.error.code == -32602
    assert raised.value.error.message == "Unknown tool: make-coffee"


async def test_lists_say_how_long_they_may_be_kept(services: Services) -> None:
    async with McpClient(create_server(services)) as agent:
        listed = await agent.list_tools()

    assert (listed.ttl_ms, listed.cache_scope) == (60_000, "private")
